// The worker that decodes. The page's policy takes a script's address only from a policy of this name (Trusted Types).

import address from "./cine/worker?worker&url";

interface ScriptPolicies {
  createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => { createScriptURL: (url: string) => string };
}

const { trustedTypes } = globalThis as { trustedTypes?: ScriptPolicies };
// One script, whatever is asked for.
const script = new URL(address, import.meta.url).href;
const policy = trustedTypes?.createPolicy("cine-worker", { createScriptURL: () => script });

let ready: Worker | null = null;

const begun = (): Worker => new Worker(policy?.createScriptURL("") ?? script, { type: "module" });

/** Has a worker begin while it is asked what it shall decode. */
export function prepareWorker(): void {
  ready ??= begun();
}

export function cineWorker(): Worker {
  const worker = ready ?? begun();
  ready = null;
  return worker;
}
