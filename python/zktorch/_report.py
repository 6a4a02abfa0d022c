"""What a compilation did: how exact the integers are, and what proving will cost."""

from __future__ import annotations

import html
import json
from typing import Any

__all__ = ["Report"]

WORDS = {
    "error": "how far the integers are from the model, of the output entries that are worst off, relative to what they reach",
    "samples": "inputs that scales and widths were chosen by; some tens are better than a few",
    "bits": "of activations: more are closer to the model, and slower",
    "prove": "predicted, on one core",
    "memory": "predicted peak while proving",
    "proof": "size of a proof, without public values",
    "setup": "what commitments rest on",
}
"""What each line of a report means."""


class Report:
    """What was compiled, and how exact it is. Shown with plots in notebooks, where matplotlib is installed.

    Attributes
    ----------
    output_error : float or None
        The error of the output entries that are worst off, relative to what they reach; ``None`` without samples.
    worst : list of dict
        The entries of outputs with the largest errors, worst first.
    tensors : list of dict
        Error, scale and width of each node's tensor.
    predictions : dict
        ``proof_bytes``, ``prove_seconds`` (of one core) and ``memory_bytes``.
    warnings : list of str
        What must be known before the model is used.
    details : dict
        All of ``report.json``.

    Examples
    --------
    >>> model.report.output_error < 0.05
    True
    >>> sorted(model.report.predictions)
    ['memory_bytes', 'proof_bytes', 'prove_seconds']
    """

    def __init__(self, data: bytes | None, text: str | None) -> None:
        self.details: dict[str, Any] = {} if data is None else json.loads(data)
        self._text = text

    @property
    def output_error(self) -> float | None:
        """The error of the entries that are worst off."""
        found = self.details.get("output_error")
        return None if found is None else float(found)

    @property
    def worst(self) -> list[dict[str, Any]]:
        """Entries of outputs with the largest errors."""
        return list((self.details.get("accuracy") or {}).get("worst", []))

    @property
    def tensors(self) -> list[dict[str, Any]]:
        """One for each node that has a tensor."""
        return list(self.details.get("tensors", []))

    @property
    def predictions(self) -> dict[str, float]:
        """What a proof will cost."""
        found = self.details.get("predictions") or {}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def warnings(self) -> list[str]:
        """What must be known before the model is used."""
        return list(self.details.get("warnings", []))

    def __str__(self) -> str:
        if self._text is not None:
            return self._text
        return "\n".join(f"{name:8} {value}" for name, value in self._lines())

    def __repr__(self) -> str:
        error = "unknown" if self.output_error is None else f"{self.output_error:.3%}"
        return f"<zktorch.Report: {self.details.get('bits')} bits, output error {error}>"

    def _lines(self) -> list[tuple[str, str]]:
        """Names and values of what a reader looks for first."""
        lines = [("error", "not known: there were no samples" if self.output_error is None else f"{self.output_error:.3%}")]
        lines += [("samples", str(self.details.get("samples", 0))), ("bits", str(self.details.get("bits")))]
        predicted = self.predictions
        if "prove_seconds" in predicted:
            lines.append(("prove", f"{predicted['prove_seconds']:.2f} s"))
        if "memory_bytes" in predicted:
            lines.append(("memory", f"{predicted['memory_bytes'] / 2**20:,.0f} MiB"))
        if "proof_bytes" in predicted:
            lines.append(("proof", f"{predicted['proof_bytes']:,.0f} bytes"))
        if setup := self.details.get("setup"):
            lines.append(("setup", f"{setup['name']}: {setup['trust']}"))
        return lines

    def plot(self) -> Any:
        """Draws errors of outputs and of tensors.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            If matplotlib is not installed: ``pip install zktorch[plots]``.

        Examples
        --------
        >>> model.report.plot().savefig("report.png")
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 3.2), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        worst = self.worst[::-1]
        left.barh([f"{g['output']} {g['entries']}" for g in worst], [100 * g["error"] for g in worst], color="#3b6ea5")
        left.set(xlabel="error, % of what is reached", title="outputs that are worst off")
        known = [t for t in self.tensors if t.get("max_error")]
        right.plot(range(len(known)), [t["max_error"] for t in known], "o-", color="#3b6ea5", label="largest")
        right.plot(range(len(known)), [t["mean_error"] for t in known], "o--", color="#a5683b", label="mean")
        right.set(xlabel="tensor, in the order of the program", title="error of tensors", yscale="log" if known else "linear")
        if known:
            right.legend()
        return figure

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{name}</th><td style='text-align:left'>{html.escape(value)}</td>"
            f"<td style='text-align:left;color:#666'>{WORDS[name]}</td></tr>"
            for name, value in self._lines()
        )
        said = "".join(f"<p><b>Warning:</b> {html.escape(warning)}</p>" for warning in self.warnings)
        return f"<table>{rows}</table>{said}{self._figure()}"

    def _figure(self) -> str:
        if not self.worst:
            return ""
        try:
            figure = self.plot()
        except ImportError:
            return "<p>With <code>pip install zktorch[plots]</code> errors are drawn here.</p>"
        import base64
        import io

        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=110)
        return f"<img alt='errors of outputs and of tensors' src='data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}'>"
