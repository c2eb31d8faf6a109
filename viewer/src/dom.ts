// Building elements. Text is always set as text, never parsed as HTML, and styles only come from style.css and styles/.

export type Child = Node | string | null;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number | boolean | null> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function button(text: string, attributes: Record<string, string | boolean>, onClick: () => void): HTMLButtonElement {
  const element = el("button", { type: "button", ...attributes }, text);
  element.addEventListener("click", onClick);
  return element;
}

/** Whether a key is for the control that it was pressed on: it is typed there, or presses it. */
export function isForControl({ key, target }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const presses = key === " " || key === "Enter";
  if (target instanceof HTMLInputElement && target.type === "range") return key === "Enter";
  return target.matches("select, input, textarea") || (presses && target.matches("a, button, summary"));
}

/** Makes `parent` hold exactly `wanted`, moving as little as possible, so that focus and loaded pictures stay. */
export function arrange(parent: Element, wanted: Element[]): void {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  wanted.forEach((child, index) => {
    const there = parent.children[index] ?? null;
    if (there !== child) parent.insertBefore(child, there);
  });
}
