r"""Functionals of the Gram matrix of a few fields in windows, linearized once per model.

The residual of a term is a linear combination of its fields, :math:`r_W = \sqrt{w} \sum_k c_k(G_W) \tilde f_k`, whose
coefficients depend on the Gram matrix of the window alone. Its tangents have the same form. Neither is ever stored for
all pairs of a window and a cell: Gram matrices, coefficients and their derivatives are stored per window, and each
product costs a few sums over windows and as many sums back to cells.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from .._linearization import random_signs
from ._windows import Windows


@dataclass(frozen=True)
class GramTerm:
    """A term: the fields that it combines, and how.

    Parameters
    ----------
    members : tuple of int
        Indices of the fields.
    weights : (n_cells,) torch.Tensor
        Weights times volumes.
    windows : Windows
        Windows of the Gram matrices.
    coefficients : callable
        ``(K, K, n_windows), (K, n_windows) -> (K, n_windows)``: the residual's coefficients from the Gram matrices and
        from the mean of the squared fields over all windows.
    centered : bool
        Whether window means are subtracted from the fields, which must have one component then.
    """

    members: tuple[int, ...]
    weights: torch.Tensor
    windows: Windows
    coefficients: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    centered: bool

    def residual(self, fields: torch.Tensor) -> torch.Tensor:
        """Return every entry of the residual, (n_components, n_entries); slow and differentiable, for tests."""
        window, cell = self.windows.entries()
        w = self.weights[cell]
        n_windows = self.windows.n_windows
        f = fields[list(self.members)][:, :, cell]  # (K, C, n_entries)

        def average(x):  # (..., n_entries) -> (..., n_windows)
            zeros = torch.zeros(*x.shape[:-1], n_windows, dtype=x.dtype, device=x.device)
            return zeros.index_add(-1, window, w * x) / total

        volume = torch.zeros(n_windows, dtype=w.dtype, device=w.device).index_add(0, window, w)
        total = torch.where(volume > 0, volume, 1.0)
        if self.centered:
            f = f - average(f)[:, :, window]
        gram = average((f[:, None] * f[None]).sum(2))
        mean_square = gram.diagonal().T @ _share(volume)
        c = self.coefficients(gram, mean_square[:, None].expand(-1, n_windows))
        return w.sqrt() * (c[:, None, window] * f).sum(0)


class LinearizedTerm:
    """A :class:`GramTerm` at one model: value, gradient and Gauss-Newton products with respect to the fields.

    Parameters
    ----------
    term : GramTerm
        The term to linearize.
    fields : (n_fields, n_components, n_cells) torch.Tensor
        All fields; the term picks its members.
    """

    def __init__(self, term: GramTerm, fields: torch.Tensor):
        self.term, self.windows, self.w = term, term.windows, term.weights
        self.members = list(term.members)
        fields = fields[self.members]
        if term.centered:  # subtract the overall mean, so that window moments do not cancel
            fields = fields - (fields * _share(self.w)).sum(-1, keepdim=True)
        self.f = fields  # (K, C, n_cells)
        self.volume = self.windows.sum(self.w[None])[0]
        self.per_volume = torch.where(self.volume > 0, 1.0 / torch.where(self.volume > 0, self.volume, 1.0), 0.0)
        k = len(self.members)
        self.mean = self._average(self.f[:, 0]) if term.centered else None  # (K, n_windows)
        upper = [(i, j) for i in range(k) for j in range(i, k)]
        moments = self._average(torch.stack([_dot(self.f[i], self.f[j]) for i, j in upper]))
        self.gram = torch.empty(k, k, self.windows.n_windows, dtype=self.w.dtype, device=self.w.device)
        for (i, j), moment in zip(upper, moments, strict=True):
            if term.centered:
                centered = moment - self.mean[i] * self.mean[j]
                # the variance of a constant window must be zero, not round-off
                noise = 16 * torch.finfo(moment.dtype).eps * moment
                moment = torch.where(centered > noise, centered, 0.0) if i == j else centered
            self.gram[i, j] = self.gram[j, i] = moment
        self.share = _share(self.volume)
        mean_square = (self.gram.diagonal().T @ self.share)[:, None].expand(-1, self.windows.n_windows)
        self.c, pull = torch.func.vjp(term.coefficients, self.gram, mean_square.contiguous())
        # ∂c_k / ∂(gram, mean squares) in every window: windows do not interact, so K products give all derivatives
        rows = [pull(_unit_rows(self.c, i)) for i in range(k)]
        self.d_gram = torch.stack([row[0] for row in rows])  # (K, K, K, n_windows)
        self.d_square = torch.stack([row[1] for row in rows])  # (K, K, n_windows)
        self.d_gram = self.d_gram + self.d_gram.transpose(1, 2)  # both of two equal entries change together
        self._products = None

    # (K, n_cells) -> (K, n_windows)
    def _average(self, x):
        return self.windows.sum(self.w * x) * self.per_volume

    @property
    def value(self) -> torch.Tensor:
        """Sum over windows of the volume times the mean squared residual, 0-d."""
        return self.volume @ _form(self.gram, self.c).clamp_min(0.0)

    def gradient(self) -> torch.Tensor:
        """Return Jᵀ r, (K, n_components, n_cells)."""
        return self._pull(self.c, None)

    def tangent(self, change: torch.Tensor):
        """Return J v for a change of all fields, (n_fields, n_components, n_cells), in an internal form."""
        d = change[self.members]
        mixed, mean = self._mixed(d)
        d_square = 2.0 * (mixed.diagonal().T @ self.share)  # (K,)
        alpha = 0.5 * (self.d_gram * (mixed + mixed.transpose(0, 1))).sum((1, 2))
        alpha = alpha + (self.d_square * d_square[:, None]).sum(1)
        return alpha, (self.c, d, mixed, mean)

    def adjoint(self, tangent) -> torch.Tensor:
        """Return Jᵀ y, (K, n_components, n_cells), for a result y of :meth:`tangent` or :meth:`probe`."""
        return self._pull(*tangent)

    def probe(self, generator: torch.Generator):
        """Return a random residual of unit covariance: random signs of cells times random signs of windows."""
        xi = random_signs(self.f[:1].shape, generator, self.f)
        xi = xi * torch.where(self.w > 0, self.w.rsqrt(), 0.0)
        eta = random_signs((1, self.windows.n_windows), generator, self.f)
        return torch.zeros_like(self.c), (eta, xi, *self._mixed(xi))

    def _mixed(self, d):
        """Return <f_k, d_l> in every window, (K, L, n_windows), and the means of d."""
        k, n_other = len(self.f), len(d)
        products = torch.stack([_dot(self.f[i], d[j]) for i in range(k) for j in range(n_other)])
        mixed = self._average(products).reshape(k, n_other, -1)
        if not self.term.centered:
            return mixed, None
        mean = self._average(d[:, 0])
        return mixed - self.mean[:, None] * mean[None], mean

    def _pull(self, alpha, other):
        """Return Jᵀ y for y = Σ α_k f_k + Σ β_l d_l, with α and β on windows and other = (β, d, <f, d>, means of d)."""
        k = len(self.f)
        h = _times(self.gram, alpha)
        if other is not None:
            beta, d, mixed, mean = other
            h = h + _times(mixed, beta)
        on_fields = self.c[:, None] * alpha[None] + (self.d_gram * h[:, None, None]).sum(0)
        on_squares = (self.d_square * h[:, None]).sum(0) @ self.volume / self._total()  # (K,)
        for i in range(k):
            on_fields[i, i] += 2.0 * on_squares[i]
        spread = self.windows.spread(on_fields.flatten(0, 1)).unflatten(0, (k, k))
        pull = torch.stack([sum(spread[i, j] * self.f[j] for j in range(k)) for i in range(k)])
        shift = _times(on_fields, self.mean) if self.term.centered else None
        if other is not None:
            on_others = self._spread_products(beta)
            for i in range(k):
                for j in range(len(d)):
                    pull[i].addcmul_(on_others[i, j].expand_as(d[j]), d[j])
            if self.term.centered:
                shift = shift + self.c * (beta * mean).sum(0)
        if shift is not None:
            pull -= self.windows.spread(shift)[:, None]
        return pull * self.w

    def _spread_products(self, beta):
        """Return c_k β_l summed back to cells, (K, L, n_cells); kept for β = c, which every Hessian product needs."""
        if beta is not self.c:
            return self.windows.spread((self.c[:, None] * beta[None]).flatten(0, 1)).unflatten(0, (len(self.c), -1))
        if self._products is None:
            self._products = self.windows.spread((self.c[:, None] * self.c[None]).flatten(0, 1))
            self._products = self._products.unflatten(0, (len(self.c), -1))
        return self._products

    def _total(self):
        total = self.volume.sum()
        return torch.where(total > 0, total, 1.0)

    def _deviation(self, i):
        """Return field i minus the window's mean, summed over the windows of each cell, (n_cells,)."""
        count = self.windows.spread(torch.ones_like(self.volume)[None])[0]
        deviation = count * self.f[i, 0]
        return deviation - self.windows.spread(self.mean[i][None])[0] if self.term.centered else deviation

    def cell_values(self) -> torch.Tensor:
        """Return the squared residual of each cell, summed over its windows, (n_cells,)."""
        k = len(self.f)
        products = self._spread_products(self.c)
        total = sum(products[i, j] * _dot(self.f[i], self.f[j]) for i in range(k) for j in range(k))
        if self.term.centered:
            level = (self.c * self.mean).sum(0)
            linear = self.windows.spread(self.c * level)
            total = total - 2.0 * (linear * self.f[:, 0]).sum(0) + self.windows.spread(level.square()[None])[0]
        return (self.w * total).clamp_min(0.0)

    def diagonal(self) -> torch.Tensor:
        """Return diag(Jᵀ J) with respect to fields of one component, (K, n_cells)."""
        return torch.stack([self._diagonal_of(i) for i in range(len(self.f))])

    def diagonal_of_whole(self, pull, pull_squared) -> torch.Tensor:
        """Return diag(Jᵀ J) with respect to properties p whose fields are T p, (K, n_cells), for a single window.

        `pull` is Tᵀ and `pull_squared` is (T∘T)ᵀ, (k, n_components, n_cells) -> (k, n_cells).
        """
        ones = torch.ones_like(self.f[:1])
        share = pull_squared(self.w * ones)[0]
        f = self.f
        if self.term.centered:
            f = f - self.mean[:, None]
            share = share - pull(self.w * ones)[0].square() * self.per_volume
        moved = pull(self.w * f)  # (K, n_cells)
        rows = []
        for i in range(len(f)):
            form = self._form_of(i)[0][:, :, 0] * self.per_volume
            rows.append((moved * (form @ moved)).sum(0) + self.c[i].square() * share)
        return torch.stack(rows).clamp_min(0.0)

    def _form_of(self, i):
        """Return the quadratic form in the fields for a change of field i, and the Gram matrix times T.

        A unit change of field i in a cell changes the coefficients by T f / V there, and the field itself.
        """
        k, t = len(self.f), self.d_gram[:, :, i]  # (K, K, n_windows)
        gt = torch.stack([_times(self.gram, t[:, m]) for m in range(k)], 1)
        form = torch.stack([(t[:, a, None] * gt).sum(0) for a in range(k)])
        return form + self.c[i] * (t + t.transpose(0, 1)), gt

    def _diagonal_of(self, i):
        f, k = self.f[:, 0], len(self.f)
        form, gt = self._form_of(i)
        square, floor = self.c[i].square(), self.d_square[:, i]
        linear = (gt * floor[:, None]).sum(0) + self.c[i] * floor  # mixed with the mean squares
        constant, mixed_constant = -square if self.term.centered else torch.zeros_like(square), None
        form_mean = None
        if self.term.centered:
            form_mean = _times(form, self.mean)
            constant = constant + (form_mean * self.mean).sum(0)
            mixed_constant = (linear * self.mean).sum(0)
        upper = [(a, b) for a in range(k) for b in range(a, k)]
        rows = [form[a, b] * self.per_volume * (1.0 if a == b else 2.0) for a, b in upper]
        spread = self.windows.spread(torch.stack([*rows, constant * self.per_volume, square, *linear]))
        quadratic = spread[len(upper)] + sum(s * f[a] * f[b] for s, (a, b) in zip(spread, upper, strict=False))
        cross = (spread[len(upper) + 2 :] * f).sum(0)
        if self.term.centered:
            quadratic = quadratic - 2.0 * (self.windows.spread(form_mean * self.per_volume) * f).sum(0)
            cross = cross - self.windows.spread(mixed_constant[None])[0]
        lean = 2.0 * self.w * self._deviation(i) / self._total()
        everywhere = self.volume @ _form(self.gram, floor)
        local = self.w.square() * quadratic + self.w * spread[len(upper) + 1]
        return (local + 2.0 * lean * self.w * cross + lean.square() * everywhere).clamp_min(0.0)


def _dot(a, b):
    """Return inner products over components, (..., n_components, n_cells) -> (..., n_cells)."""
    return a.squeeze(-2) * b.squeeze(-2) if a.shape[-2] == 1 else (a * b).sum(-2)


def _times(matrix, vector):
    """Return matrix-vector products per window, (K, L, n_windows) x (L, n_windows); bmm is slow at such sizes."""
    return (matrix * vector[None]).sum(1)


def _form(matrix, vector):
    """Return vᵀ A v per window, (n_windows,)."""
    return (vector * _times(matrix, vector)).sum(0)


def _share(w):
    total = w.sum()
    return w / torch.where(total > 0, total, 1.0)


def _unit_rows(c, i):
    unit = torch.zeros_like(c)
    unit[i] = 1.0
    return unit
