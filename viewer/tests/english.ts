// Tests are in English, whatever the language of whose machine they run on.
import { vi } from "vitest";

vi.stubGlobal("navigator", { languages: ["en"] });
