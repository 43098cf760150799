using Kube.Types;

namespace Mpi.Cli;

/// <summary>What was found so far, in the order in which it is told.</summary>
public sealed class Findings
{
    private readonly List<Finding> _all = [];

    public IReadOnlyList<Finding> All => _all;

    public void Add(Finding finding) => _all.Add(finding);

    /// <summary>Takes a look; what the cluster refuses to show is found, too.</summary>
    /// <param name="at">Names what is looked at.</param>
    public async Task LookAsync(string at, Func<Task> look)
    {
        try
        {
            await look();
        }
        catch (ApiException refused)
        {
            Add(Finding.Unknown($"{at} could not be looked at: {refused.Message}"));
        }
    }
}
