#!/usr/bin/env python3
"""Makes speech in other languages than English for `wellspoken bench ghosts`: requests and cries for help, spoken in quiet.

    tongues.py DIR VOICES

VOICES are those of kokoro-js (see speakers.py). DIR/tune gets espeak-ng's voices and two of kokoro-js, DIR/report others of kokoro-js,
a folder for each language. Needs espeak-ng (run, never linked). Seeded."""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
from speakers import BOTH, RATE, English, trimmed, voices, write

# The first, third and sixth are cries for help.
SAID = {
    "es": ["Necesito ayuda, por favor.", "¿Cuándo es mi próxima cita con el médico?", "Tengo mucho dolor en el pecho.", "¿Puede llamar a la enfermera?", "Quiero un vaso de agua.", "No puedo respirar.", "¿Qué hay de comer hoy?", "Me gustaría hablar con mi hija."],
    "fr": ["J'ai besoin d'aide, s'il vous plaît.", "Quand est mon prochain rendez-vous ?", "J'ai très mal à la poitrine.", "Pouvez-vous appeler l'infirmière ?", "Je voudrais un verre d'eau.", "Je ne peux pas respirer.", "Qu'est-ce qu'il y a à manger aujourd'hui ?", "Je voudrais parler à ma fille."],
    "it": ["Ho bisogno di aiuto, per favore.", "Quando è il mio prossimo appuntamento?", "Ho molto dolore al petto.", "Può chiamare l'infermiera?", "Vorrei un bicchiere d'acqua.", "Non riesco a respirare.", "Cosa c'è da mangiare oggi?", "Vorrei parlare con mia figlia."],
    "pt": ["Preciso de ajuda, por favor.", "Quando é a minha próxima consulta?", "Estou com muita dor no peito.", "Pode chamar a enfermeira?", "Quero um copo de água.", "Não consigo respirar.", "O que há para comer hoje?", "Gostaria de falar com a minha filha."],
    "de": ["Ich brauche Hilfe, bitte.", "Wann ist mein nächster Termin?", "Ich habe starke Schmerzen in der Brust.", "Können Sie die Schwester rufen?", "Ich möchte ein Glas Wasser.", "Ich bekomme keine Luft.", "Was gibt es heute zu essen?", "Ich möchte mit meiner Tochter sprechen."],
}
ESPEAK = {"es": "es", "fr": "fr-fr", "it": "it", "pt": "pt-br", "de": "de"}
NATIVE = {
    "tune": {"es": ["ef_dora"], "pt": ["pf_dora"]},
    "report": {"es": ["em_alex"], "fr": ["ff_siwis"], "it": ["if_sara", "im_nicola"], "pt": ["pm_alex"]},
}


def native(kokoro, text, name, language):
    run = ["espeak-ng", "-v", language, "-q", "--ipa=1", text]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip().replace("\n", " ").replace("_", "")
    for a, b in BOTH[:6]:
        said = said.replace(a, b)
    ids = [kokoro.letters[c] for c in said + "." if c in kokoro.letters]
    style = np.fromfile(kokoro.folder / f"{name}.bin", np.float32).reshape(-1, 1, 256)
    inputs = [np.array([[0, *ids, 0]], np.int64), style[min(len(ids), len(style) - 1)], np.array([1.0], np.float32)]
    out = kokoro.net.run(None, dict(zip([i.name for i in kokoro.net.get_inputs()], inputs)))[0].reshape(-1)
    return voices.to_rate(out, 24_000)


def save(folder, i, who, sound):
    folder.mkdir(parents=True, exist_ok=True)
    sound = np.pad(trimmed(sound), (0, RATE * 2))
    write(folder / f"{i:02}-{who}.wav", sound + np.random.default_rng(i).normal(0, np.abs(sound).max() * 0.001, len(sound)))


def main(folder, cast):
    kokoro, folder = English(cast), pathlib.Path(folder)
    for language, sentences in SAID.items():
        for i, text in enumerate(sentences):
            for who, variant in [("espeak", ""), ("espeakf", "+f3")]:
                with tempfile.NamedTemporaryFile(suffix=".wav") as file:
                    subprocess.run(["espeak-ng", "-v", ESPEAK[language] + variant, "-s", "150", "-w", file.name, text], check=True)
                    save(folder / "tune" / language, i, who, voices.read(file.name))
            for part, who in NATIVE.items():
                for name in who.get(language, []):
                    save(folder / part / language, i, name, native(kokoro, text, name, ESPEAK[language]))
        print(f"{language}: {len(sentences)} sentences", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
