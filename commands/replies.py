"""`replies`: understand what borrowers write, and teach the classifier by what agents corrected."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands import configuration
from commands.console import JsonOption, Refused, operator_app, print_json
from commands.replies_corrections import correct, export, retrain

if TYPE_CHECKING:
    from replies.classify import Classifier

app = operator_app("Understand what borrowers write; train on what agents corrected.")
for command in (correct, export, retrain):
    app.command()(command)

ModelOption = Annotated[
    Path | None, typer.Option("--model", help="Another model file than the one in use.", show_default=False)
]


@app.callback()
def replies() -> None:
    """Understand what borrowers write; train on what agents corrected."""


@app.command()
def classify(model: ModelOption = None) -> None:
    """Read messages as JSON lines from standard input, write what each says as a line on standard output.

    A line in: id, text, sent_at (ISO 8601), country (two letters), channel. A line out: id, intents (the first is what
    the message is about), confidence, reason, promise_date, promise_amount, needs_human, language; docs/replies.md says
    what they mean. A line that cannot be read is answered with its id and an error, which also goes to standard
    error, and the rest go on. Needs neither Temporal nor a database.

    Exit code: 0 all lines were good, 2 some were not.

    Example: starter.py replies classify < messages.jsonl > understood.jsonl
    """
    from commands.replies_classify import answers

    all_good = True
    for good, answer in answers(sys.stdin.buffer, _classifier(model)):
        sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        if not good:
            all_good = False
            typer.echo(answer["error"], err=True)
    if not all_good:
        raise typer.Exit(2)


def _classifier(model: Path | None) -> Classifier:
    from replies.classify import Classifier, in_use
    from replies.model import BadModel, load

    try:
        return Classifier(load(model)) if model else in_use(configuration.settings().replies_model)
    except BadModel as error:
        raise Refused(str(error)) from None


@app.command()
def train(
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the model; the shipped one.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train the model anew from the messages in replies/data/training and measure it on those in replies/data/kept.

    The same data give the same model. This is what `make train` does.

    Example: starter.py replies train
    """
    from commands import replies_figures
    from replies.classify import Classifier
    from replies.data import KEPT, TRAINING, BadData, read_folder, read_promises
    from replies.evaluation import evaluate as measure
    from replies.model import SHIPPED, load, save
    from replies.training import measured
    from replies.training import train as fit

    try:
        examples, kept, promises = read_folder(TRAINING), read_folder(KEPT), read_promises(KEPT)
    except BadData as error:
        raise Refused(str(error)) from None
    file = out or SHIPPED
    save(fit(examples), file)
    # As it is read back, so that the figures are those of the file.
    model = load(file)
    found = measure(Classifier(model), kept, promises)
    save(measured(model, found.figures()), file)
    if as_json:
        print_json({"model": str(file), "trained_on": len(examples)} | replies_figures.as_json(found))
        return
    typer.echo(f"trained on {len(examples)} messages from {model.about['lines']} lines, kept in {file}")
    replies_figures.show(found)


@app.command()
def evaluate(
    model: ModelOption = None,
    data: Annotated[Path | None, typer.Option("--data", help="Another folder of labelled messages.")] = None,
    wrong: Annotated[bool, typer.Option("--wrong", help="Show the messages whose first intent was not found.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the model in use on messages that it was not trained on.

    Example: starter.py replies evaluate --wrong
    """
    from commands import replies_figures
    from replies.data import KEPT, BadData, read_folder, read_promises
    from replies.evaluation import evaluate as measure

    try:
        examples, promises = read_folder(data or KEPT), read_promises(data or KEPT)
    except BadData as error:
        raise Refused(str(error)) from None
    if not examples:
        raise Refused(f"{data}: no labelled messages in *.txt")
    found = measure(_classifier(model), examples, promises)
    if as_json:
        print_json(replies_figures.as_json(found))
    else:
        replies_figures.show(found, wrong)
