using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>Files that a dialect promises its pods, and the other has elsewhere: commands that call for them by name are told of.</summary>
internal static class OwnPaths
{
    /// <param name="job">Gets the remarks.</param>
    /// <param name="template">The result's, with the launcher's command.</param>
    /// <param name="path">Where that command stands in the job.</param>
    /// <param name="files">Files of the dialect that the job comes from, or folders with a slash at their end.</param>
    /// <param name="hostfile">Where the list of hosts is afterwards.</param>
    public static void Check(JobInTransit job, JsonObject template, string path, string[] files, string hostfile)
    {
        var containers = JsonText.Parse(template).Items("spec", "containers").ToList();
        for (var c = 0; c < containers.Count; c++)
        {
            foreach (var member in (ReadOnlySpan<string>)["command", "args"])
            {
                var words = containers[c].Words(member);
                for (var w = 0; w < words.Length; w++)
                {
                    if (files.FirstOrDefault(f => words[w].Contains(f, StringComparison.Ordinal)) is not { } file) continue;
                    job.Remark(string.Create(CultureInfo.InvariantCulture, $"{path}.spec.containers[{c}].{member}[{w}]"), $"calls for {file}, which is not there: the list of hosts is {hostfile}");
                }
            }
        }
    }
}
