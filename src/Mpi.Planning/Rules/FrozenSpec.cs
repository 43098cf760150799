using Kube.Types;
using Mpi.Model;

namespace Mpi.Planning;

/// <summary>Edits that a dialect does not follow once a run is announced: said as a fault of the spec, and what runs is left alone.</summary>
internal static class FrozenSpec
{
    private const string Rule = "cannot be changed once the job has started, and what runs stays as it was. Undo the change, or delete the job and create it again";

    public static FieldError? Fault(RecordedRun recorded, MpiRun run) =>
        recorded is { Announced: true, Outcome: null, FrozenSpec: { } begun } && run.FrozenSpec is { } now && now != begun ? FieldError.Forbidden("spec", Rule) : null;
}
