"""How good weights are: figures on pieces that were held out, beside those of simple baselines."""
