namespace Mpi.Operator;

/// <summary>
/// Order of resourceVersions. Kubernetes defines them as growing decimal numbers that clients may compare (KEP-5504);
/// against a server where they are not, the answer is false and the caller's time limit decides.
/// </summary>
internal static class ResourceVersions
{
    /// <summary>Whether a view at <paramref name="seen"/> shows what was written at <paramref name="written"/>.</summary>
    public static bool AtLeast(string? seen, string written) =>
        ulong.TryParse(seen, out var at) && ulong.TryParse(written, out var wanted) && at >= wanted;
}
