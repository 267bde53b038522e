"""The environments with older ipykernels hold what they say, and their kernels run our package."""

from __future__ import annotations

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from tests import old_kernels


@pytest.mark.kernels
def test_an_older_kernel_runs_and_sees_the_package(old_kernel: str) -> None:
    specs = str(old_kernels.environment(old_kernel) / "share" / "jupyter" / "kernels")
    manager = KernelManager(
        kernel_name=f"ipykernel-{old_kernel}", kernel_spec_manager=KernelSpecManager(kernel_dirs=[specs])
    )
    manager.start_kernel()
    client = manager.client()
    said: list[str] = []
    try:
        client.start_channels()
        client.wait_for_ready(timeout=120)
        client.execute_interactive(
            "import ipykernel, nbtrain; print(ipykernel.__version__, nbtrain.__name__)",
            output_hook=lambda message: said.append(message["content"].get("text", "")),
            timeout=120,
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert "".join(said).startswith(f"{old_kernel}.")
    assert "".join(said).endswith("nbtrain\n")
