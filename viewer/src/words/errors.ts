// What goes wrong between the page and the server.

import { spoken } from "../language";

const en = {
  lineLost: "The connection was lost, or the file could not be read.",
  answered: (status: number) => `The server answered ${status}.`,
  answers: {
    401: "The server asks who you are: log in and try again.",
    403: "The server does not allow this.",
    404: "The server does not know this.",
    413: "The file is larger than the server takes.",
    502: "The server is not ready: try again in a moment.",
    503: "The server is not ready: try again in a moment.",
    504: "The server is not ready: try again in a moment.",
  } as Record<number, string>,
  unread: {
    video: "The server described a video without its ID.",
    studies: "The server's list of studies could not be read.",
    series: "What the server says of a study's series could not be read.",
    videos: "The server's list of videos could not be read.",
    job: "The server's word on the conversion could not be read.",
    upload: "The server's answer to the upload could not be read.",
  },
};

const de: typeof en = {
  lineLost: "Die Verbindung ist abgebrochen, oder die Datei konnte nicht gelesen werden.",
  answered: (status) => `Der Server hat mit ${status} geantwortet.`,
  answers: {
    401: "Der Server fragt, wer Sie sind: bitte anmelden und erneut versuchen.",
    403: "Der Server erlaubt das nicht.",
    404: "Der Server kennt das nicht.",
    413: "Die Datei ist größer, als der Server sie annimmt.",
    502: "Der Server ist nicht bereit: bitte gleich noch einmal versuchen.",
    503: "Der Server ist nicht bereit: bitte gleich noch einmal versuchen.",
    504: "Der Server ist nicht bereit: bitte gleich noch einmal versuchen.",
  },
  unread: {
    video: "Der Server hat ein Video ohne seine ID beschrieben.",
    studies: "Die Untersuchungsliste des Servers war nicht zu lesen.",
    series: "Was der Server von den Serien einer Untersuchung sagt, war nicht zu lesen.",
    videos: "Die Videoliste des Servers war nicht zu lesen.",
    job: "Die Auskunft des Servers über die Umwandlung war nicht zu lesen.",
    upload: "Die Antwort des Servers auf das Hochladen war nicht zu lesen.",
  },
};

export const words = spoken({ en, de });
