"""Pictures of what was judged: rejects always, passes now and then, kept for as long as there is room for them.

``<folder>/<station>/<date>/<id>.<outcome>.jpg``, with the heat map and the inspection beside it. An inspection's id
alone says where its files are, and their names say all that retention has to know: there is no index that could be lost
or disagree with the disk.
"""

from inspector.archive.settings import ArchiveSettings

__all__ = ["ArchiveSettings"]
