using System.Text.Json.Nodes;

namespace Mpi.Dialects;

/// <summary>
/// How the jobs of a dialect that is not kubeflow's are said in the words of <c>kubeflow.org/v2beta1</c>, and the other way round: so each dialect's jobs can
/// become any other's (<see cref="ManifestConversion"/>). Both are given jobs that their parser takes, and say what is meant; fields that they do not take
/// (<see cref="JobInTransit.Take"/>) are told as left out.
/// </summary>
internal interface ITranslation
{
    /// <returns>The spec of a v2beta1 job.</returns>
    JsonObject ToHub(JobInTransit job);

    /// <param name="job">A v2beta1 job.</param>
    /// <returns>A spec of the dialect.</returns>
    JsonObject FromHub(JobInTransit job);
}
