"""`replies correct`, `export` and `retrain`: from what agents corrected to a model that is better, or to none."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands import configuration
from commands.console import JsonOption, Refused, print_json
from commands.loan_lookup import LenderOption, LoanArgument, find_loan
from domain.contact import Channel
from domain.replies.labels import MOST_INTENTS, Intent, Reason, in_order

if TYPE_CHECKING:
    from replies.data import Example
    from replies.evaluation import Evaluation

ByOption = Annotated[str, typer.Option("--by", help="Who says so, for the audit trail.")]


def correct(
    loan_id: LoanArgument,
    intents: Annotated[list[Intent], typer.Argument(metavar="INTENT...", help="What it does; the order is settled.")],
    text: Annotated[str, typer.Option("--text", help="The message as the borrower wrote it.")],
    reason: Annotated[Reason | None, typer.Option("--reason", help="Why they do not pay, if they say so.")] = None,
    person: Annotated[bool, typer.Option("--person", help="A person must look.")] = False,
    channel: Annotated[Channel, typer.Option("--channel", help="How it came.")] = Channel.SMS,
    by: ByOption = "operator",
    lender: LenderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep what a borrower's message means where the classifier read it otherwise. It trains the next model.

    Example: starter.py replies correct P-20417 hardship --reason job_loss --text "ando parado desde marzo"
    """
    from records import people, reply_corrections
    from replies.classify import in_use

    labels = in_order(intents)
    if not text.strip() or len(labels) > MOST_INTENTS:
        raise Refused(f"expected a text, and at most {MOST_INTENTS} intents")
    now = datetime.now(UTC)
    settings = configuration.settings()
    database = configuration.records(settings)
    with database.writing() as session:
        loan = find_loan(session, loan_id, lender)
        country = people.of_loan(session, loan).country
        was = in_use(settings.replies_model).understand(text, now, country).intents
        new = reply_corrections.record(
            session,
            loan,
            text=text.strip(),
            channel=channel,
            intents=labels,
            reason=reason,
            person_must_look=person,
            was=was,
            by=by,
            at=now,
        )
    if as_json:
        print_json({"new": new, "was": [each.value for each in was], "intents": [each.value for each in labels]})
    else:
        typer.echo(f"kept; it was read as {', '.join(was)}" if new else "kept before, nothing to change")


def export(
    out: Annotated[Path, typer.Option("--out", help="The file of labelled messages to write.")],
    as_json: JsonOption = False,
) -> None:
    """Write all corrections as labelled messages, without names, numbers and addresses.

    The file has the form of replies/data/training and is read by `replies retrain`. Look it through before it leaves
    the house: what nobody could foresee may still name somebody.

    Example: starter.py replies export --out corrections.txt
    """
    from records import reply_corrections
    from replies.data import line_of

    with configuration.records(configuration.settings()).reading() as session:
        found = list(reply_corrections.without_names(session))
    lines = [line_of(each.text, each.intents, each.reason, each.person) for each in found]
    out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    if as_json:
        print_json({"messages": len(lines), "file": str(out)})
    else:
        typer.echo(f"{len(lines)} labelled messages in {out}")


def retrain(
    corrections: Annotated[
        list[Path] | None, typer.Option("--corrections", help="Files of labelled messages; without any, the records.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Train anew with what agents corrected, and put the model to use only if it is better.

    Better: a higher macro F1 on the messages kept apart, and no message about safety missed that the model in use
    finds. The model before it is kept beside it, ending in .previous. Exit code 1: it is not better, nothing changed.

    Example: starter.py replies retrain --corrections corrections.txt
    """
    from replies.classify import Classifier, in_use
    from replies.data import KEPT, TRAINING, BadData, read_folder, read_promises
    from replies.evaluation import evaluate
    from replies.model import save
    from replies.training import measured, train

    settings = configuration.settings()
    try:
        added = _corrections(corrections)
        examples, kept, promises = read_folder(TRAINING), read_folder(KEPT), read_promises(KEPT)
    except (BadData, OSError) as error:
        raise Refused(str(error)) from None
    if not added:
        raise Refused("there are no corrections to learn from")
    before = evaluate(in_use(settings.replies_model), kept, promises)
    model = train([*examples, *added])
    after = evaluate(Classifier(model), kept, promises)
    better = after.macro_f1 > before.macro_f1 and after.safety_recall >= before.safety_recall
    if better and not dry_run:
        file = settings.replies_model
        if file.exists():
            shutil.copy2(file, file.with_suffix(".previous"))
        save(measured(model, after.figures()), file)
    _tell(before, after, len(added), better, better and not dry_run, settings.replies_model, as_json)
    if not better:
        raise typer.Exit(1)


def _corrections(files: list[Path] | None) -> list[Example]:
    from records import reply_corrections
    from replies.data import Example, read_file

    if files:
        return [example for file in files for example in read_file(file)]
    with configuration.records(configuration.settings()).reading() as session:
        return [
            Example(each.text, each.intents, each.reason, each.person, f"correction:{each.number}")
            for each in reply_corrections.without_names(session)
        ]


def _tell(
    before: Evaluation, after: Evaluation, added: int, better: bool, used: bool, file: Path, as_json: bool
) -> None:
    gain, safety = after.macro_f1 - before.macro_f1, after.safety_recall - before.safety_recall
    if as_json:
        print_json(
            {
                "corrections": added,
                "before": before.figures(),
                "after": after.figures(),
                "gain_macro_f1": round(gain, 4),
                "gain_safety_recall": round(safety, 4),
                "better": better,
                "put_to_use": used,
            }
        )
        return
    typer.echo(f"learnt from {added} corrections; measured on {after.messages} messages kept apart:")
    typer.echo(f"macro F1 {before.macro_f1:.4f} -> {after.macro_f1:.4f} ({gain:+.4f})")
    typer.echo(f"recall of safety {before.safety_recall:.4f} -> {after.safety_recall:.4f} ({safety:+.4f})")
    typer.echo(f"better: put to use in {file}" if used else "better" if better else "not better: nothing changed")
