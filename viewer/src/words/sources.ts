// What the page says of where frames come from.

import { spoken } from "../language";

const en = {
  series: "Series",
  about: "About this series",
  seriesUnable: "The pictures of a series are shown one after the other only over HTTPS, or on the server itself, in a browser with WebCodecs.",
};

const de: typeof en = {
  series: "Serie",
  about: "Zu dieser Serie",
  seriesUnable:
    "Die Bilder einer Serie lassen sich nur über HTTPS oder auf dem Server selbst nacheinander zeigen, in einem Browser mit WebCodecs.",
};

export const words = spoken({ en, de });
