// Package learn holds the built-in algorithms: gradient-boosted trees
// ("xgboost") and a linear learner ("linear-learner"), trained from a Table
// and asked one row at a time. Tree models are read and written in XGBoost's
// own JSON, so a model trained elsewhere is served here and the other way round;
// its UBJSON and LightGBM's text models are served as well.
//
// Upstream: the emulator's training jobs hand it tables and hyperparameters.
// Downstream: the emulator's endpoints ask Model.Predict.
//
// Invariants: standard library only. Deterministic: the same table, hyper-
// parameters and seed give the same bytes. A missing value is NaN. Predict
// allocates nothing and may be called by many goroutines at once. Input that
// is wrong gives an error that names line and column, never a panic.
package learn
