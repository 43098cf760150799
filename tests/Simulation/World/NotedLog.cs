using Kube.Testing;
using Microsoft.Extensions.Logging;

namespace Simulation;

/// <summary>Puts the operator's log into the trace that a failure shows.</summary>
internal sealed class NotedLog(Stepper stepper) : ILoggerFactory, ILogger
{
    private readonly List<string> _errors = [];
    private readonly List<string> _bugs = [];

    /// <summary>What must never be said: bugs.</summary>
    public IReadOnlyList<string> Errors => _errors;

    /// <summary>Those of them that the operator itself calls bugs; that a lease was lost is none.</summary>
    public IReadOnlyList<string> Bugs => _bugs;

    /// <summary>Gets everything that is said.</summary>
    public Action<string> Said { get; set; } = static _ => { };

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = $"{formatter(state, exception)}{(exception is null ? "" : " " + exception)}";
        if (logLevel >= LogLevel.Error) _errors.Add(text);
        if (logLevel == LogLevel.Critical) _bugs.Add(text);
        Said(text);
        stepper.Note($"  {logLevel}: {text}");
    }

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("the trace is the one place");

    public void Dispose() { }
}
