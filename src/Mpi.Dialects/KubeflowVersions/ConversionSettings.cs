namespace Mpi.Dialects;

/// <summary>
/// What conversion between versions of MPIJob depends on besides the object. Old operators had these as flags; a conversion must give the same
/// answer whoever is asked, so they are one installation's, and not one process's.
/// </summary>
public sealed record ConversionSettings
{
    public static readonly ConversionSettings Default = new();

    /// <summary>GPUs of a node, for v1alpha1 jobs that ask for <c>gpus</c> without <c>gpusPerNode</c>; 1 or more.</summary>
    public int GpusPerNode { get; init; } = 8;

    /// <summary>The same for <c>processingUnits</c> and <c>processingUnitsPerNode</c>; 1 or more.</summary>
    public int ProcessingUnitsPerNode { get; init; } = 8;

    /// <summary>What a processing unit is where a v1alpha1 job does not say: <c>nvidia.com/gpu</c> or <c>cpu</c>.</summary>
    public string ProcessingResourceType { get; init; } = "nvidia.com/gpu";

    /// <summary>
    /// Of two different clean-up policies in one v1 or v1alpha2 job, the one under <c>runPolicy</c> counts, as training-operator has it; otherwise
    /// the one at the top, as mpi-operator has it.
    /// </summary>
    public bool RunPolicyCleansUp { get; init; }
}
