"""The training loop: a generator of events that can be stopped, killed and resumed without a trace in its result.

A run is a function of model, data, options and step; nothing in it reads a clock (but to say how fast it is) or goes on
with random numbers that something else could have drawn from. On a CPU with a fixed number of threads, a resumed run
therefore ends with the same bits as one that was never disturbed; on a GPU within the rounding of its kernels.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from mercap.affectgpt.data import TrainingData
from mercap.affectgpt.device import find_device
from mercap.affectgpt.training import checkpoint as checkpoints
from mercap.affectgpt.training.device import half_products, place_model
from mercap.affectgpt.training.distributed import World, find_world, joined
from mercap.affectgpt.training.events import Event, EventLog
from mercap.affectgpt.training.faults import as_sentences, not_finite
from mercap.affectgpt.training.folder import owned
from mercap.affectgpt.training.identity import check_dropout, run_identity
from mercap.affectgpt.training.meter import Meter, Step
from mercap.affectgpt.training.optimizer import clip_gradients, make_optimizer, set_rate, trained_parameters
from mercap.affectgpt.training.options import TrainingOptions
from mercap.affectgpt.training.order import dropout_seed
from mercap.affectgpt.training.prefetch import Prefetch
from mercap.affectgpt.training.schedule import learning_rate
from mercap.affectgpt.training.supply import StepBatches, supply


def fit(
    model: Any,
    data: TrainingData,
    options: TrainingOptions,
    folder: Path,
    *,
    start: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    until: int | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Event]:
    """Train ``model`` (of `make_trainable`) in ``folder``, going on from its newest checkpoint if it has one.

    Ends after step ``until`` or ``options.steps``, or after the step during which ``stop`` was set; a checkpoint is
    made first, so that the next call goes on from there. ``start``: a run or checkpoint whose weights this one begins
    with, as a second stage does. ``identity``: what else the run is made of and must not change on the way, as JSON.

    Nothing happens before the first event is asked for. Events of steps come in bursts, when the loss is fetched;
    whoever stops listening leaves the last checkpoint. Under torchrun all processes must call this, with one folder
    that all can read; the first writes, and ``stop`` is heard when the loss is next fetched. Raises UsageError,
    StoreError, and TrainingFault for what happens on the way.
    """
    world = find_world()
    device = find_device(options.device, world.local_rank)
    with ExitStack() as stack:
        stack.enter_context(joined(world, device, options))
        stack.enter_context(owned(folder, world))
        stack.enter_context(as_sentences(options, folder))
        run = _Run(model, data, options, folder, world, device)
        stack.callback(run.close)
        yield from run.begin(start, identity or {})
        last = options.steps if until is None else min(options.steps, until)
        yield from run.steps(last, stop or threading.Event())


class _Run:
    """One call of `fit`."""

    def __init__(
        self, model: Any, data: TrainingData, options: TrainingOptions, folder: Path, world: World, device: torch.device
    ) -> None:
        check_dropout(data.config, options)
        self.model, self.data, self.options, self.folder = model, data, options, folder
        self.world, self.device = world, device
        self.checkpoints = folder / checkpoints.CHECKPOINTS
        self.step = 0
        self.kept: int | None = None
        self.log: EventLog | None = None

    def begin(self, start: Path | None, identity: Mapping[str, Any]) -> Iterator[Event]:
        """Model, optimizer and files as they were at the newest checkpoint."""
        first = checkpoints.find(start) if start is not None else None
        self.identity = run_identity(self.model, self.data, self.options, first, identity)
        place_model(self.model, self.options, self.device)
        self.named = trained_parameters(self.model)
        self.values = [value for _, value in self.named]
        self.optimizer = make_optimizer(self.named, self.options)
        found, torn = checkpoints.newest(self.checkpoints)
        if found is not None:
            checkpoints.check_run(found, self.identity)
            checkpoints.restore(found, self.named, self.optimizer)
            self.step = self.kept = found.step
        elif first is not None:
            checkpoints.load_weights(self.model, first.path)
        self.world.agree(self.step, self.device)
        self.world.spread(self.values)
        if self.world.first:
            checkpoints.discard(torn)  # or they would count among those that are kept
            checkpoints.prune(self.checkpoints, self.options.keep)
            self.log = EventLog(self.folder, self.step, tensorboard=self.options.tensorboard)
        if found is not None:
            passed = f" ({len(torn)} newer, damaged: {', '.join(path.name for path in torn)})" if torn else ""
            yield self._told(Event("resumed", self.step, note=f"{found.path.name}{passed}"))

    def steps(self, last: int, stop: threading.Event) -> Iterator[Event]:
        options = self.options
        batches = supply(self.data, options, self.world, self.step, pinned=self.device.type == "cuda")
        self.batches: Prefetch[StepBatches] = Prefetch(batches, options.prefetch)
        meter = Meter(self.model, options, self.device, self.world, self.batches)
        stopping = False
        while self.step < last and not stopping:
            meter.add(self._step(next(self.batches)))
            saving = self.step % options.checkpoint_every == 0 or self.step == last
            if saving or self.step % options.log_every == 0 or (stop.is_set() and self.world.size == 1):
                yield from self._tell(meter)
                # Processes agree where they wait for one another anyway.
                stopping = self.world.any(stop.is_set(), self.device)
                if saving or stopping:
                    yield self._save()
                    meter.restart()
        yield self._told(Event("stopped" if self.step < last else "done", self.step))

    def close(self) -> None:
        if hasattr(self, "batches"):
            self.batches.close()
        if self.log is not None:
            self.log.close()

    def _step(self, work: StepBatches) -> Step:
        """One step of the optimiser, over this process's batches of it. Waits for no device."""
        if not self.model.training:
            self.model.train()  # a listener may have asked the model something
        count: Any = work.supervised
        if self.world.size > 1:
            count = self.world.add_up(torch.tensor(count, device=self.device))
        loss = torch.zeros((), device=self.device)
        for number, batch in work.batches:
            torch.manual_seed(dropout_seed(self.options.seed, work.step, number))
            with half_products(self.options, self.device):
                part = self.model(**batch.inputs(self.device), num_items=count).loss
            part.backward()
            loss = loss + part.detach()
        loss = self.world.add_up_gradients(self.values, loss)
        length = clip_gradients(self.values, self.options.clip_norm)
        rate = learning_rate(self.options, work.step)
        set_rate(self.optimizer, rate)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step = work.step + 1
        return Step(self.step, work.epoch, work.counts, loss, length, rate)

    def _tell(self, meter: Meter) -> Iterator[Event]:
        """The steps since the last time, their losses fetched. Raises TrainingFault when one is not finite."""
        for event in meter.read():
            for what, value in (("loss", event.loss), ("gradient", event.grad_norm)):
                if value is None or not math.isfinite(value):
                    raise not_finite(what, event.step, self.kept)
            yield self._told(event)

    def _save(self) -> Event:
        path = self.checkpoints / f"step-{self.step:09d}.safetensors"
        if self.world.first:
            path = checkpoints.save(self.checkpoints, self.step, self.named, self.optimizer, self.identity)
            checkpoints.prune(self.checkpoints, self.options.keep)
        self.world.wait()
        self.kept = self.step
        return self._told(Event("saved", self.step, note=path.name))

    def _told(self, event: Event) -> Event:
        if self.log is not None:
            self.log.write([event])
        return event
