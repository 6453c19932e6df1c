"""Diffusion in the latent space of an autoencoder that is learnt from the same images before."""
