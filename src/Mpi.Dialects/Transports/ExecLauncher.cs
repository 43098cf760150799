using System.Text.Json;
using Kube.Types;

namespace Mpi.Dialects;

/// <summary>What transport exec asks of a launcher's template: it runs as an account of the job's own, which may reach the job's workers and nothing else.</summary>
internal static class ExecLauncher
{
    public static void Check(JsonElement template, string path, string job, FieldReader reader)
    {
        foreach (var field in (ReadOnlySpan<string>)["serviceAccountName", "serviceAccount"])
        {
            if (template.Text("spec", field) is not { Length: > 0 } account) continue;
            reader.Add(FieldError.Invalid(
                $"{path}.spec.{field}",
                $"\"{account}\"",
                $"must be left out with transport exec ({KubeMpiAnnotations.Transport}): the launcher runs as the job's own account {job}-launcher",
                "Remove it, or use transport agent, which leaves the launcher its account."));
        }
    }
}
