"""Reading SimPEG's inverse problem: its terms, data misfits, spectra, meshes, simulations and minimizers."""
