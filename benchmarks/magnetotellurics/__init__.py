"""One-dimensional magnetotellurics: networks, inversions and simulations."""
