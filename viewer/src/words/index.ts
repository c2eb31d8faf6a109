// Every sentence the page says, by part: a table in English and one in German each.

import { words as bench } from "./bench";
import { words as deliveries } from "./deliveries";
import { words as errors } from "./errors";
import { words as film } from "./film";
import { words as list } from "./list";
import { words as page } from "./page";
import { words as player } from "./player";
import { words as search } from "./search";
import { words as whose } from "./whose";
import { words as work } from "./work";

export const words = { ...page, ...list, ...work, ...player, ...film, ...deliveries, ...bench, ...search, ...whose, ...errors };
