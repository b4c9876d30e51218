"""The command line: commands, exit codes, and everything that is printed."""

import click

from livecomposer.cli.bench import bench
from livecomposer.cli.completion import completion
from livecomposer.cli.doctor import doctor
from livecomposer.cli.evaluate import evaluate
from livecomposer.cli.files import generate, replay, tokens
from livecomposer.cli.init import init
from livecomposer.cli.learn import learn
from livecomposer.cli.lineage import import_checkpoint
from livecomposer.cli.play import demo, play, ports
from livecomposer.cli.render import render
from livecomposer.cli.service import service
from livecomposer.cli.train import train


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="livecomposer")
def main() -> None:
    """A live MIDI partner: it listens to what you play, and answers on the beat."""


for command in (
    init,
    play,
    demo,
    ports,
    learn,
    replay,
    generate,
    render,
    tokens,
    train,
    evaluate,
    import_checkpoint,
    doctor,
    service,
    bench,
    completion,
):
    main.add_command(command)
