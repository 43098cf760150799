namespace Mpi.Dialects;

/// <summary>Gathers what the rules say about one job.</summary>
internal sealed class Advice(Action<FindingSeverity, string, string, string, string?> report)
{
    public void Error(string id, string path, string message, string? fix = null) => report(FindingSeverity.Error, id, path, message, fix);

    public void Warn(string id, string path, string message, string? fix = null) => report(FindingSeverity.Warning, id, path, message, fix);
}
