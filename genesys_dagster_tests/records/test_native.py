"""What the native reader asks of its host."""

import subprocess
import sys

LITTLE = 4 << 30
DECODE = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({LITTLE}, {LITTLE}))
from genesys_dagster.records.decode import decode
page = b'{{"conversations": [{{"conversationId": "a"}}]}}'
print(len(decode([page, page]).rows))
"""


def test_decoding_needs_no_more_address_space_than_a_small_host_grants():
    done = subprocess.run([sys.executable, "-c", DECODE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
