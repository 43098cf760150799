using System.CommandLine;

namespace Mpi.Cli;

internal static class PathArgument
{
    /// <summary>
    /// A word that begins with a dash is a misspelt option and no path: it would be told as a file that is not there. <c>-</c> alone is standard
    /// input, and <c>./-name</c> is a file.
    /// </summary>
    public static T WithoutOptions<T>(this T argument) where T : Argument
    {
        argument.Validators.Add(static result =>
        {
            foreach (var token in result.Tokens.Where(static t => t.Value is ['-', _, ..])) result.AddError($"there is no option {token.Value}; --help names those that there are (a file of that name: ./{token.Value})");
        });
        return argument;
    }
}
