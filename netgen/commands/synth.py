"""``netgen synth``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from netgen._version import __version__
from netgen.commands.options import PATH, integer_option, output_option
from netgen.commands.output import progress
from netgen.errors import UsageError
from netgen.files import folder_beside, write_whole
from netgen.schema import head
from netgen.training.alarms import label_text
from netgen.training.opening import open_corpus
from netgen.training.synth import SPEAKERS, make_script, speak
from netgen.training.track import Scene, Tracks, keyword_times, write_stream


@click.command("synth")
@click.argument("keywords", nargs=-1, required=True, metavar="KEYWORD...")
@output_option
@click.option(
    "--other",
    "others",
    multiple=True,
    metavar="WORD",
    help="A word to tell keywords from; repeatable.  [default: twenty common words]",
)
@integer_option(
    "--speakers",
    least=8,
    most=SPEAKERS,
    default=48,
    help="Voices; 15 % of them each are kept for validation and for test.",
)
@integer_option("--seed", least=0, default=0)
@click.option(
    "--stream",
    "data",
    type=PATH,
    metavar="DATA",
    help="Make a stream to test on instead, from the test recordings of this data set.",
)
@integer_option("--minutes", default=360, help="Of the stream.")
@click.option(
    "--snr", type=float, default=10.0, show_default=True, metavar="dB", help="Words over noise."
)
@click.option("--babble", type=float, metavar="dB", help="Words over babble.  [default: none]")
@integer_option("--an-hour", most=600, default=60, help="Keywords in the stream.")
def synth_command(
    keywords: tuple[str, ...],
    output: Path,
    others: tuple[str, ...],
    speakers: int,
    seed: int,
    data: Path | None,
    minutes: int,
    snr: float,
    babble: float | None,
    an_hour: int,
) -> None:
    """Speak a keyword corpus with espeak-ng, or mix a stream of recordings to test on.

    The corpus has the layout of Speech Commands. The stream (--stream DATA) is made of recordings
    held out from training, synthetic phrases, noise and babble, with a label file of all that is
    said; the same seed gives the same stream.
    """
    if data is not None:
        _stream(Scene(keywords, minutes, snr, babble, an_hour, seed), data, output)
        return
    script = make_script(keywords, others, speakers, seed)
    with progress("speaking", script.recordings) as bar:
        speak(script, output, lambda: bar.update(1))
    words = len(script.keywords) + len(script.others)
    click.echo(f"{output}: {script.recordings} recordings of {words} words by {speakers} voices")


def _stream(scene: Scene, data: Path, output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: is not empty; choose another folder for the stream")
    tracks = Tracks(open_corpus(data), scene)
    with folder_beside(output) as scratch, progress("mixing", scene.minutes) as bar:
        files, words = write_stream(scratch, tracks, lambda: bar.update(1))
        write_whole(scratch / "labels.txt", label_text(words))
        document = {"sources": tracks.sources, "files": [path.name for path in files]}
        record = head("stream-made") | {"netgen": __version__} | asdict(scene) | document
        write_whole(scratch / "stream.json", json.dumps(record, indent=1) + "\n")
    click.echo(
        f"{output}: {scene.minutes} min in {len(files)} files, {len(words)} words, of which "
        f"{keyword_times(words, scene.keywords)} keywords; {tracks.sources}"
    )
