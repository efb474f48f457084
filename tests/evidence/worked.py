"""Items whose original is taken in and looked at by some of the product's tools."""

from __future__ import annotations

from evidence import access, intake, tasks
from evidence.models.analysis import Analysis
from tests import people


def worked_out(content, case, user, *tools, filename, media_type, kind="image"):
    """Take an original in and have tools look at it; return the item as ``user`` sees it."""
    receipt = intake.receive(
        [content],
        filename=filename,
        media_type=media_type,
        case=case,
        user=user,
        description=intake.Description(title="An item", kind=kind),
        acquisition=intake.AcquisitionFacts(),
        now=people.NOW,
    )
    for name in ("type", *tools):
        analysis = Analysis.objects.get(file__item=receipt.item, tool=name)
        tasks.work(str(analysis.job))
        analysis.refresh_from_db()
        assert analysis.state == Analysis.State.DONE, analysis.reason
    return access.item_for(user, receipt.item)
