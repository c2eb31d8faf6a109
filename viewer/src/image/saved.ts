// Views as the gateway keeps them: a look, a name, and the frame that was looked at. Pure.

import { AnswerError, amount, fields, text } from "../answers";
import { AS_IT_IS, windowOf, within } from "./look";
import type { Look, Point, Shape, Shutter, Window } from "./look";
import { EIGHT_BITS } from "./own";

/** What is seen beside the picture itself; null where a view does not say. */
export interface Beside {
  readonly overlays: boolean | null;
  /** In the corners. */
  readonly texts: boolean | null;
}

export interface View extends Beside {
  /** The Orthanc ID of the object that keeps it. */
  readonly id: string;
  readonly name: string;
  /** By place, from 0. */
  readonly place: number;
  readonly look: Look;
}

const SHAPES: readonly string[] = ["LINEAR", "LINEAR_EXACT", "SIGMOID"] satisfies Shape[];

function number(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new AnswerError("A saved view could not be read.");
  return value;
}

function readShutter(value: unknown): Shutter | null {
  if (value === null) return null;
  const { kind, ...of } = fields(value);
  if (kind === "circle") return { kind, center: [number(of["x"]), number(of["y"])], radius: number(of["radius"]) };
  if (kind !== "rectangle") throw new AnswerError("A saved view could not be read.");
  const [from, to]: [Point, Point] = [[number(of["left"]), number(of["top"])], [number(of["right"]), number(of["bottom"])]];
  return { kind, from, to };
}

export function readView(value: unknown): View {
  const view = fields(value);
  const [window, center] = [fields(view["window"]), fields(view["center"])];
  const shape = text(window["function"]);
  const look: Look = {
    ...AS_IT_IS,
    window: SHAPES.includes(shape) ? { center: number(window["center"]), width: number(window["width"]), shape: shape as Shape } : null,
    table: (view["table"] ?? null) === null ? null : number(view["table"]) - 1,
    gamma: number(view["gamma"]),
    invert: view["invert"] === true,
    zoom: number(view["zoom"]),
    center: [number(center["x"]), number(center["y"])],
    turns: (number(view["rotation"]) / 90) % 4,
    flip: view["flip"] === true,
    shutter: readShutter(view["shutter"]),
    mask: view["subtract"] === null ? null : number(view["subtract"]) - 1,
  };
  const said = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null);
  const beside: Beside = { overlays: said(view["overlays"]), texts: said(view["texts"]) };
  return { id: text(view["ID"]), name: text(view["name"]), place: Math.max(0, amount(view["frame"]) - 1), look: within(look), ...beside };
}

export function readViews(value: unknown): View[] {
  const found = fields(value)["Views"];
  if (!Array.isArray(found)) throw new AnswerError("The saved views could not be read.");
  return found.map(readView);
}

function writeShutter(shutter: Shutter | null): unknown {
  if (shutter === null) return null;
  if (shutter.kind === "circle") return { kind: shutter.kind, x: shutter.center[0], y: shutter.center[1], radius: Math.min(shutter.radius, 1) };
  const [[left, top], [right, bottom]] = [shutter.from, shutter.to];
  return { kind: shutter.kind, left, top, right, bottom };
}

/** The window, where the object does not say it: others have to be told what was found to be there. */
function windowToKeep(look: Look): Window | null {
  const said = look.own === EIGHT_BITS || (look.own.said && look.mask === null);
  return look.window ?? (said || look.table !== null ? null : windowOf(look));
}

/** What the gateway is asked to keep. */
export function written(name: string, place: number, look: Look, { overlays, texts }: Beside): unknown {
  const window = windowToKeep(look);
  const { gamma, invert, zoom, center, flip } = look;
  return {
    name: name.replace(/[\\\p{C}]/gu, " ").trim(),
    frame: place + 1,
    window: window === null ? null : { center: window.center, width: window.width, function: window.shape },
    table: look.table === null ? null : look.table + 1,
    gamma,
    invert,
    zoom,
    center: { x: center[0], y: center[1] },
    rotation: look.turns * 90,
    flip,
    shutter: writeShutter(look.shutter),
    subtract: look.mask === null ? null : look.mask + 1,
    overlays,
    texts,
  };
}
