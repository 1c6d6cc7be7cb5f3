"""What a send gives back."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SendReceipt:
    """
    What a send has placed.

    :param ref_ids: one for each request of at most 1000 recipients, in their order. Where a placed message's ``ref_id``
        never became known, ``ledger:<message id>`` stands for it.
    :param recipients: how many phones ring.
    :param resumed: whether nothing was sent now, since the ledger held it all.
    :param excluded: how many of the numbers that were given were left out, since ``exclude`` has them.
    :param dry_run: whether it tells what a send would place: it has no ``ref_ids`` then, and nobody was rung.
    :param parts_counted: of a dry run: how many requests a send would take.
    """

    ref_ids: list[str]
    recipients: int
    message_ids: list[str] = field(default_factory=list)
    resumed: bool = False
    excluded: int = 0
    dry_run: bool = False
    parts_counted: int = 0

    @property
    def ref_id(self) -> str:
        """The first of them."""
        return self.ref_ids[0]

    @property
    def parts(self) -> int:
        """How many requests it takes."""
        return self.parts_counted if self.dry_run else len(self.ref_ids)

    def counts(self) -> dict[str, bool | int]:
        """Return what a dry run has to tell, as small JSON."""
        return {
            "dry_run": self.dry_run,
            "recipients": self.recipients,
            "parts": self.parts,
            "excluded": self.excluded,
        }
