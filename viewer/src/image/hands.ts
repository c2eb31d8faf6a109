// Mouse, pen and fingers on a picture: what they do to its look.

import type { Tool } from "./commands";
import { panned, shuttered, windowMoved, zoomed } from "./look";
import type { Look, Point } from "./look";
import { fitted } from "./placing";

/** Steps that a window changes by, over the whole of the screen. */
const STEPS = 512;
/** Times larger, from the middle of the screen to its top. */
const TIMES = 16;
/** Pixels that a hand may tremble while it clicks. */
const TREMBLE = 4;
const WHEEL = 0.002;

/** What dragging from one point on screen to another makes of a look. */
export function dragged(tool: Tool, look: Look, from: Point, to: Point, aspect: number): Look {
  const [right, down] = [to[0] - from[0], to[1] - from[1]];
  if (tool === "window") return windowMoved(look, right * STEPS, -down * STEPS);
  if (tool === "zoom") return zoomed(look, TIMES ** (-2 * down), from);
  if (tool === "pan") return panned(look, from, to);
  return shuttered(look, tool, from, to, aspect);
}

/** What two fingers make of it, from where they were to where they are. */
export function pinched(look: Look, from: readonly [Point, Point], to: readonly [Point, Point], ratio: number): Look {
  const apart = ([one, other]: readonly [Point, Point]): number => Math.hypot((one[0] - other[0]) * ratio, one[1] - other[1]);
  const middle = ([one, other]: readonly [Point, Point]): Point => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
  const factor = apart(to) / Math.max(apart(from), 0.001);
  return panned(zoomed(look, factor, middle(from)), middle(from), middle(to));
}

export interface Handled {
  tool: () => Tool;
  look: () => Look;
  /** The picture's width to its height, before it is turned. */
  aspect: () => number;
  change: (look: Look) => void;
  click: () => void;
}

export function hands(canvas: HTMLCanvasElement, on: Handled): void {
  const now = new Map<number, Point>();
  let [began, first]: [Point[], Look | null] = [[], null];
  let still = true;

  const at = (event: MouseEvent): Point => fitted([event.offsetX, event.offsetY], { width: canvas.clientWidth, height: canvas.clientHeight }, canvas);
  const begin = (): void => {
    [began, first] = [[...now.values()], on.look()];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    if (now.size === 0) still = true;
    now.set(event.pointerId, at(event));
    begin();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!now.has(event.pointerId) || first === null) return;
    now.set(event.pointerId, at(event));
    const [one, other] = now.values();
    const [from, second] = began;
    if (one === undefined || from === undefined) return;
    if (other !== undefined && second !== undefined) {
      still = false;
      on.change(pinched(first, [from, second], [one, other], canvas.width / canvas.height));
      return;
    }
    const trembled = Math.hypot((one[0] - from[0]) * canvas.clientWidth, (one[1] - from[1]) * canvas.clientHeight);
    if (still && trembled < TREMBLE) return;
    still = false;
    on.change(dragged(on.tool(), first, from, one, on.aspect()));
  });
  const lift = (event: PointerEvent): void => {
    if (now.delete(event.pointerId)) begin();
  };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);
  canvas.addEventListener("click", () => {
    if (still) on.click();
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      on.change(zoomed(on.look(), Math.exp(-event.deltaY * WHEEL), at(event)));
    },
    { passive: false },
  );
}
