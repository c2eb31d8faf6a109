import { expect, it } from "vitest";
import { Handing } from "../../src/cine/handing";
import { idle } from "./films";

it("lets nobody go on while the page has not taken what it was given, then all who wait", async () => {
  const handing = new Handing();
  let gone = 0;
  const go = async (): Promise<void> => {
    await handing.room();
    handing.sent();
    gone += 1;
  };
  for (let frame = 0; frame < 8; frame += 1) await go();
  const late = [go(), go()];
  await idle();
  expect(gone).toBe(8);
  handing.taken();
  await Promise.all(late);
  expect(gone).toBe(10);
});
