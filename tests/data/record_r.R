# Records R's own figures on R's own data sets, for tests that then need no R.
# Run in this folder: Rscript record_r.R

pad <- function(columns) {
  rows <- max(lengths(columns))
  as.data.frame(lapply(columns, function(x) c(as.numeric(x), rep(NA, rows - length(x)))))
}
write <- function(file, columns) {
  note <- paste("#", R.version.string, "| package stats", packageVersion("stats"))
  table <- pad(columns)
  table[] <- lapply(table, function(x) ifelse(is.na(x), "", trimws(formatC(x, digits = 14, format = "g"))))
  writeLines(note, file)
  suppressWarnings(write.table(table, file, append = TRUE, sep = ",", quote = FALSE, row.names = FALSE))
}
parts <- function(prefix, fit) setNames(
  lapply(1:3, function(i) fit$time.series[, i]),
  paste(prefix, c("seasonal", "trend", "residual"), sep = "_"))
classic <- function(prefix, fit) setNames(
  list(fit$seasonal, fit$trend, fit$random),
  paste(prefix, c("seasonal", "trend", "residual"), sep = "_"))
lagged <- function(x, lags) as.numeric(x)[seq_len(lags)]
box <- function(x, lags) sapply(seq_len(lags), function(k) Box.test(x, k, "Ljung")$statistic)
holt <- function(prefix, fit) {
  ahead <- predict(fit, 24, prediction.interval = TRUE, level = 0.9)
  start <- fit$fitted[seq_len(12), "season"]
  setNames(
    list(c(fit$alpha, fit$beta, fit$gamma, fit$SSE), c(fit$fitted[1, c("level", "trend")], start),
         fit$fitted[, "xhat"], ahead[, "fit"], ahead[, "lwr"], ahead[, "upr"]),
    paste(prefix, c("parameters", "start", "fitted", "forecast", "lower", "upper"), sep = "_"))
}
boxp <- function(x, lags) sapply(seq_len(lags), function(k) Box.test(x, k, "Ljung")$p.value)

write("r_data.csv", list(co2 = co2, nottem = nottem, air = AirPassengers, lynx = lynx,
                         presidents = presidents))
write("r_stl_co2.csv", parts("stl", stl(co2, s.window = 21, s.degree = 1, t.window = 23)))
write("r_series.csv", c(
  parts("nottem_robust", stl(nottem, s.window = 7, s.degree = 1, t.window = 23, robust = TRUE)),
  classic("nottem_additive", decompose(nottem)),
  classic("air_multiplicative", decompose(AirPassengers, "multiplicative")),
  list(lynx_average = filter(lynx, rep(1 / 5, 5), sides = 1),
       lynx_centred = filter(lynx, rep(1 / 4, 4), sides = 2),
       lynx_weighted = filter(lynx, c(4, 3, 2, 1) / 10, sides = 1),
       lynx_median = runmed(lynx, 5, endrule = "keep"),
       lynx_exponential = filter(0.3 * lynx, 0.7, "recursive", init = lynx[1]),
       air_diff = diff(AirPassengers, lag = 12, differences = 2),
       air_inverse = diffinv(diff(AirPassengers, lag = 12, differences = 2), lag = 12,
                             differences = 2, xi = AirPassengers[1:24]))))
write("r_lags.csv", list(
  lynx_acf = lagged(acf(lynx, 40, plot = FALSE)$acf, 41)[-1],
  lynx_pacf = pacf(lynx, 40, plot = FALSE)$acf,
  co2_acf = lagged(acf(co2, 40, plot = FALSE)$acf, 41)[-1],
  co2_pacf = pacf(co2, 40, plot = FALSE)$acf,
  lynx_box = box(lynx, 40), lynx_box_p = boxp(lynx, 40),
  presidents_acf = lagged(acf(presidents, 40, na.action = na.pass, plot = FALSE)$acf, 41)[-1]))
# parameters: alpha, beta, gamma, sum of squared errors; start: level, trend and season before the
# first fitted tick, which is the 13th; lower and upper: 90 % interval. R's gamma is
# gamma / (1 - alpha) of statsmodels.
write("r_holtwinters.csv", c(
  holt("co2", HoltWinters(co2)),
  holt("co2_given", HoltWinters(co2, alpha = 0.5, beta = 0.01, gamma = 0.4)),
  holt("nottem", HoltWinters(nottem)),
  holt("air_multiplicative", HoltWinters(AirPassengers, seasonal = "multiplicative")),
  holt("air_multiplicative_given", HoltWinters(
    AirPassengers, alpha = 0.3, beta = 0.03, gamma = 0.6, seasonal = "multiplicative"))))
