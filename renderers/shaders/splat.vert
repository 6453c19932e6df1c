// Puts one screen-space ellipse per Gaussian: EWA splatting as in 3DGS and gsplat.
// Sigma' = J W Sigma W^T J^T + 0.3 I in pixels; the quad ends where alpha falls to 1/255.

uniform mat4 u_view;        // world to camera, OpenCV axes
uniform vec2 u_focal;       // fx, fy in pixels of this target
uniform vec2 u_principal;   // cx, cy in pixels of this target
uniform vec2 u_size;        // width, height of this target
uniform vec4 u_limits;      // largest -x/z, +x/z, -y/z, +y/z used in the Jacobian
uniform vec2 u_depth_range; // near, far
uniform vec3 u_shade_depth; // on/off, depth at 0, 1 / span

attribute vec2 a_corner;       // one of (+-1, +-1)
attribute vec4 a_mean_opacity; // per instance
attribute vec3 a_shape_a;      // covariance xx, xy, xz
attribute vec4 a_shape_b;      // covariance yy, yz, zz, unused
attribute vec3 a_colour;

varying vec2 v_offset;         // in standard deviations
varying vec4 v_colour;         // straight colour and opacity

void main() {
    vec3 p = (u_view * vec4(a_mean_opacity.xyz, 1.0)).xyz;
    float opacity = a_mean_opacity.w;
    if (p.z < u_depth_range.x || opacity < 1.0 / 255.0) {
        gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
        return;
    }
    mat3 sigma = mat3(a_shape_a, vec3(a_shape_a.y, a_shape_b.xy), vec3(a_shape_a.z, a_shape_b.yz));
    float inv_z = 1.0 / p.z;
    vec2 slope = clamp(p.xy * inv_z, vec2(-u_limits.x, -u_limits.z), vec2(u_limits.y, u_limits.w));

    // Rows of J W, with W the rotation of u_view.
    vec3 row_x = vec3(u_view[0].x, u_view[1].x, u_view[2].x);
    vec3 row_y = vec3(u_view[0].y, u_view[1].y, u_view[2].y);
    vec3 row_z = vec3(u_view[0].z, u_view[1].z, u_view[2].z);
    vec3 jx = u_focal.x * inv_z * (row_x - slope.x * row_z);
    vec3 jy = u_focal.y * inv_z * (row_y - slope.y * row_z);
    vec3 sx = sigma * jx;
    float a = dot(jx, sx) + 0.3;
    float b = dot(jy, sx);
    float c = dot(jy, sigma * jy) + 0.3;

    float middle = 0.5 * (a + c);
    float reach = length(vec2(0.5 * (a - c), b));
    float angle = 0.5 * atan(b, 0.5 * (a - c) + 1e-20);
    vec2 major = vec2(cos(angle), sin(angle));
    vec2 sd = sqrt(vec2(middle + reach, max(middle - reach, 0.3)));

    float extent = sqrt(2.0 * log(255.0 * opacity));
    v_offset = extent * a_corner;
    vec2 centre = u_focal * p.xy * inv_z + u_principal;
    vec2 along = v_offset * sd;
    vec2 pixel = centre + along.x * major + along.y * vec2(-major.y, major.x);

    // Depth blends in red, the weight that it had in blue; green is left to the grid.
    vec3 shade = vec3(clamp((p.z - u_shade_depth.y) * u_shade_depth.z, 0.0, 1.0), 0.0, 1.0);
    v_colour = vec4(mix(a_colour, shade, u_shade_depth.x), opacity);

    float near = u_depth_range.x;
    float far = u_depth_range.y;
    float depth = (far + near - 2.0 * far * near * inv_z) / (far - near);
    // What lies beyond the far plane is still seen.
    gl_Position = vec4(2.0 * pixel / u_size - 1.0, min(depth, 0.999999), 1.0);
    gl_Position.y = -gl_Position.y;
}
