"""The figures of ``benchmark promise``, for people."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from training.benchmark.runs import Record
from training.promise import percent_up


def print_tables(simulated: Sequence[Record], kept: Sequence[Record]) -> None:
    """Shares of broken promises, and on real sets what was promised beside what was seen."""
    console = Console()
    console.print(_broken([row for row in simulated if "promised" in row]))
    console.print(_modelled([row for row in simulated if "modelled" in row]))
    if kept:
        console.print(_kept(kept))


def _broken(rows: Sequence[Record]) -> Table:
    table = Table("scores", "normals", "promised", "promise broken", "plain quantile", title="broken promises")
    for row in rows:
        share, n = percent_up(row["promised"]), str(row["normals"])
        table.add_row(row["scores"], n, share, _interval(row["promise"]), _interval(row["quantile"]))
    table.caption = "of so many calibrations each, with the interval at 95 %; at 95 % confidence 5 % may be broken"
    return table


def _modelled(rows: Sequence[Record]) -> Table:
    table = Table("scores", "normals", "by the model", "fitted", "broken", title="the model of the tail")
    for row in rows:
        fitted, said = f"{row['fitted']} of {row['calibrations']}", row["tail"]
        table.add_row(row["scores"], str(row["normals"]), percent_up(row["modelled"]), fitted, _interval(said))
    return table


def _kept(rows: Sequence[Record]) -> Table:
    table = Table(
        "set", "held out", "asked", "promised", "good parts rejected", "recall by type", title="promised and observed"
    )
    for name, asked in dict.fromkeys((row["set"], row["asked"]) for row in rows):
        own = [row for row in rows if (row["set"], row["asked"]) == (name, asked)]
        rejected, tested = (sum(row[key] for row in own) for key in ("rejected", "tested"))
        worst = max(row["rejected"] / row["tested"] for row in own)
        table.add_row(
            name,
            str(own[0]["held_out"]),
            percent_up(asked),
            percent_up(own[0]["promised"]),
            f"{100 * rejected / tested:.2f} %, worst {100 * worst:.2f} %",
            ", ".join(_recalls(own)),
        )
    table.caption = f"over {len({row['seed'] for row in rows})} fits of each set, on pictures that chose nothing"
    return table


def _recalls(rows: Sequence[Record]) -> Iterator[str]:
    for name in rows[0]["types"]:
        own = [row["types"][name] for row in rows if name in row["types"]]
        caught, pictures = (sum(each[key] for each in own) for key in ("caught", "pictures"))
        yield f"{name} {caught / pictures:.3f}"


def _interval(counted: Record) -> str:
    if not counted:
        return "none fitted"
    return f"{100 * counted['share']:.1f} % ({100 * counted['low']:.1f} to {100 * counted['high']:.1f})"
