using System.Text.Json;
using Kube.Types;
using Mpi.Model;

namespace Mpi.Dialects;

/// <summary>A dialect as those see it who check manifests and install definitions: what its folder knows besides running jobs.</summary>
internal interface IManifestDialect : IDialect
{
    /// <summary>The definition of its kind, as YAML.</summary>
    string Definition { get; }

    /// <summary>Its fields, as lines of <see cref="FieldTree"/>; pod templates and metadata are <see cref="KnownFields"/>' own.</summary>
    string Fields { get; }

    /// <summary>Which line is about a whole manifest; a dialect whose manifests have several shapes tells by what stands in them.</summary>
    string FieldsOf(JsonElement manifest);

    /// <summary>How its jobs become those of other systems; null for kubeflow's own versions (<see cref="KubeflowConversion"/>).</summary>
    ITranslation? Translation => null;

    /// <summary>How grave it is that a manifest differs from <see cref="Fields"/>, for a dialect that takes what others refuse.</summary>
    /// <param name="severity">What it is elsewhere.</param>
    FindingSeverity Judge(FindingSeverity severity, FieldError error) => severity;

    /// <summary>What users of the dialect usually get wrong, though it is no fault.</summary>
    /// <param name="homeOf"><see cref="ManifestValidator"/>'s.</param>
    void Advise(JsonElement manifest, Func<string, long, string?>? homeOf, Advice advice) { }
}
