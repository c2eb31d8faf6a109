import { describe, expect, it } from "vitest";
import "./english";
import { inGerman, told } from "../src/words/reasons";

describe("a reason in German", () => {
  it.each([
    ["The pictures are H.264 High 4:2:2 profile and pass through unchanged.", "Die Bilder sind H.264 im Profil High 4:2:2 und bleiben unverändert."],
    [
      "The result needs level 4.2, so its transfer syntax is MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video.",
      "Das Ergebnis braucht Level 4.2, also ist seine Transfersyntax MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video.",
    ],
    [
      "The pictures are scaled from 3840 × 2160 to 1920 × 1080 to fit level 4.2.",
      "Die Bilder werden von 3840 × 2160 auf 1920 × 1080 skaliert, damit sie in Level 4.2 passen.",
    ],
    ["The pictures are scaled from 3840 × 2160 to 852 × 480.", "Die Bilder werden von 3840 × 2160 auf 852 × 480 skaliert."],
    ["90 Mbit/s are more than the 1e+03 of level High.", "90 Mbit/s sind mehr als die 1e+03 von Level High."],
  ])("has names and levels as they are: %s", (english, german) => expect(inGerman(english)).toBe(german));

  it.each([
    [
      "720 × 576 interlaced at 29.97 frames/s is none of the formats of MPEG2 Main Profile / Main Level (PS3.5 8.2.5).",
      "720 × 576 im Zeilensprung mit 29,97 Bildern/s ist keines der Formate von MPEG2 Main Profile / Main Level (PS3.5 8.2.5).",
    ],
    [
      "Interlaced fields are combined into whole frames: 59.94 moments per second become 29.97.",
      "Halbbilder (Zeilensprung) werden zu ganzen Bildern verbunden: aus 59,94 Zeitpunkten pro Sekunde werden 29,97.",
    ],
  ])("has numbers with a comma: %s", (english, german) => expect(inGerman(english)).toBe(german));

  it.each([
    [
      "The sound is mp3, 44.1 kHz, stereo, of a bit rate not known to be constant, which DICOM does not allow here: it becomes aac, 48 kHz, 5.1 channels.",
      "Der Ton ist mp3, 44,1 kHz, Stereo, vielleicht nicht von konstanter Bitrate, was DICOM hier nicht erlaubt: er wird zu aac, 48 kHz, 5.1 Kanäle.",
    ],
    [
      "The container tells more than the pictures (udta, creation times, unused bytes): names, places or times.",
      "Der Container sagt mehr als die Bilder (udta, Entstehungszeiten, ungenutzte Bytes): Namen, Orte oder Zeiten.",
    ],
    [
      "In each picture 64 × 48 at 10, 20, 8 × 8 at 0, 0 becomes black.",
      "In jedem Bild wird 64 × 48 bei 10, 20, 8 × 8 bei 0, 0 schwarz.",
    ],
    [
      "The container is matroska,webm; it becomes MP4, which DICOM allows (PS3.5 8.2.7) and browsers play.",
      "Der Container ist matroska,webm; er wird zu MP4, das DICOM erlaubt (PS3.5 8.2.7) und Browser abspielen.",
    ],
    [
      "The stream is coded as 2 views; MPEG-4 AVC/H.264 High Profile / Level 4.1 is of 1 view (PS3.5 8.2.7).",
      "Der Datenstrom ist als 2 Ansichten codiert; MPEG-4 AVC/H.264 High Profile / Level 4.1 besteht aus 1 Ansicht (PS3.5 8.2.7).",
    ],
  ])("has the words within it in German, too: %s", (english, german) => expect(inGerman(english)).toBe(german));

  it.each([
    [
      "It goes as it is stored: Video Endoscopic in MPEG-4 AVC/H.264 High Profile / Level 4.1.",
      "Es wird gesendet, wie es gespeichert ist: Video Endoscopic in MPEG-4 AVC/H.264 High Profile / Level 4.1.",
    ],
    [
      "The same coded pictures go as MPEG-TS, in MPEG-4 AVC/H.264 High Profile / Level 4.1.",
      "Gesendet werden dieselben codierten Bilder als MPEG-TS, in MPEG-4 AVC/H.264 High Profile / Level 4.1.",
    ],
    ["Of 5000 frames 1667 are kept, one of every 3.", "Von 5000 Bildern bleiben 1667, eines von je 3."],
    [
      'Not as it is stored, without re-encoding in another transfer syntax or container or re-encoded as a video: the configuration always sends "jpeg" there.',
      "Nicht wie gespeichert, in anderer Transfersyntax oder anderem Container ohne neue Codierung oder neu codiert als Video: die Konfiguration sendet immer „jpeg“ dorthin.",
    ],
    [
      "Not as losslessly coded frames in Ultrasound Multi-frame: the destination takes no Ultrasound Multi-frame in JPEG 2000 Lossless or RLE Lossless.",
      "Nicht als verlustfrei codierte Bilder in Ultrasound Multi-frame: das Ziel akzeptiert kein Ultrasound Multi-frame in JPEG 2000 Lossless oder RLE Lossless.",
    ],
    [
      "Not as it is stored: the destination refused Video Endoscopic in HEVC/H.265 Main Profile / Level 5.1 as MPEG-TS when it was sent.",
      "Nicht wie gespeichert: das Ziel hat Video Endoscopic in HEVC/H.265 Main Profile / Level 5.1 als MPEG-TS abgelehnt, als es gesendet wurde.",
    ],
    [
      "Not re-encoded as a video or as a series of VL Endoscopic images, with frames left out: about 5.9 MB are more than the 1.5 MB that this destination takes.",
      "Nicht neu codiert als Video oder als Serie von Einzelbildern (VL Endoscopic), mit nur einem Teil der Bilder: etwa 5,9 MB sind mehr als die 1,5 MB, die dieses Ziel annimmt.",
    ],
  ])("is that of a delivery, too: %s", (english, german) => expect(inGerman(english)).toBe(german));

  it("is not made up where it is not known, or is cut off", () => {
    expect(inGerman("Some later version's reason.")).toBeNull();
    expect(inGerman("The result needs level 4.2, so its trans")).toBeNull();
  });

  it("is not said on an English page", () => expect(told("Send it by itself.")).toBeNull());
});
