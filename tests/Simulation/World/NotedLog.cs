using Kube.Testing;
using Microsoft.Extensions.Logging;

namespace Simulation;

/// <summary>Puts the operator's log into the trace that a failure shows.</summary>
internal sealed class NotedLog(Stepper stepper) : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        stepper.Note($"  {logLevel}: {formatter(state, exception)}{(exception is null ? "" : " " + exception)}");

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the trace is the one place");

    public void Dispose() { }
}
