namespace Mpi.Dialects;

/// <summary>Gathers what the rules say about one job.</summary>
internal sealed class Advice(Action<FindingSeverity, string, string, string, string?> report)
{
    public void Error(string id, string path, string message, string? fix = null) => report(FindingSeverity.Error, id, path, message, fix);

    public void Warn(string id, string path, string message, string? fix = null) => report(FindingSeverity.Warning, id, path, message, fix);

    /// <summary>For rules that look at what this manifest is turned into: told at its own paths, and once where two of the other's are one here.</summary>
    /// <param name="pathOf">A path there as it is here.</param>
    public Advice From(Func<string, string> pathOf)
    {
        var told = new HashSet<(string Id, string Path, string Message)>();
        return new Advice((severity, id, path, message, fix) =>
        {
            if (told.Add((id, pathOf(path), message))) report(severity, id, pathOf(path), message, fix);
        });
    }
}
