"""Write the generated parts of docs/reference anew."""

from __future__ import annotations

from docs.generate.pages import FILES, REFERENCE, pages, refreshed

for path in pages():
    path.write_text(refreshed(path.read_text()))
for name, make in FILES.items():
    (REFERENCE / name).write_text(make())
