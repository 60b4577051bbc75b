"""Reading SimPEG's inverse problem: its terms, misfits, spectra, meshes and simulations."""
