"""What several pages read out of an address. What makes no sense is a bad request."""

from datetime import datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request

from inspector.ui.office import office_of


def station_in(request: Request) -> str:
    """The station that was asked for, or the first. Raises HTTPException 400 for one that is not there."""
    stations = office_of(request).histories
    station = request.query_params.get("station") or next(iter(stations))
    if station not in stations:
        raise HTTPException(400)
    return station


def time_in(text: str) -> datetime | None:
    """A time of this machine's zone, as a form's field has it; None where nothing was said.

    Raises HTTPException 400.
    """
    try:
        return datetime.fromisoformat(text).astimezone() if text else None
    except (ValueError, OverflowError) as error:
        raise HTTPException(400) from error
