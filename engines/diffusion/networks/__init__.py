"""What predicts noise, data or velocity from something noisy: U-Net, transformer, small MLP."""
