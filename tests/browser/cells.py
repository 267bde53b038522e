"""Cells that several browser tests run."""

from __future__ import annotations

#: A model and data that train for minutes without much to compute: each step takes five milliseconds of sleep.
SLOW = """
import time
import numpy as np, torch, nbtrain
X = np.random.default_rng(0).normal(size=(3_200, 16)).astype("float32")
y = (X[:, 0] > 0).astype("int64")
class Slow(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
    def forward(self, x):
        time.sleep(0.005)
        return self.layers(x)
torch.manual_seed(0)
net = Slow()
"""
#: A run that its cell shows.
RUN = SLOW + 'run = nbtrain.train(net, (X, y), epochs=1000, name="slow")\n'
