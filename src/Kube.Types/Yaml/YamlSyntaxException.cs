namespace Kube.Types;

/// <summary>Text that is no YAML, or YAML that has no JSON meaning. Line and column count from 1.</summary>
public sealed class YamlSyntaxException(string fault, int line, int column) : Exception($"line {line}, column {column}: {fault}")
{
    /// <summary>What is wrong, without the position.</summary>
    public string Fault { get; } = fault;

    public int Line { get; } = line;

    public int Column { get; } = column;
}
