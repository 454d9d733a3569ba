"""Steers the trainers of well-known frameworks: one object or one callback to add.

    signalbox.adapters.torch.Control                        # a loop of your own on PyTorch
    signalbox.adapters.lightning.SignalboxCallback          # Lightning's Trainer
    signalbox.adapters.transformers.SignalboxCallback       # the Trainer of Hugging Face
    signalbox.adapters.keras.SignalboxCallback              # Keras' model.fit()

They listen to `learning-rate` and `weight-decay` (settings), `save`, `evaluate` and `stop` (commands),
and to what is added with `on()` and `setting()`. Nothing here imports a framework; each module imports
its own.
"""
